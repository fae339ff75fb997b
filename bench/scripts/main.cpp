// SPDX-License-Identifier: Apache-2.0
// hiky_script_bench: how long Redis is busy with each of our Lua scripts, by itself.
// Exit codes: 0 every row was measured · 1 a call failed, or a script has no row · 2 usage.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "other_program.hpp"
#include "row.hpp"

namespace {

using namespace hiky::script_bench;

struct wishes {
  int rounds = 21;
  std::vector<std::string> scripts;
  std::string beside;
  bool answer = false;
};

// Quartiles, the second being the median.
struct quartiles {
  double first, median, third;
  explicit quartiles(std::vector<double> of) {
    std::ranges::sort(of);
    auto const at = [&](double part) {
      auto const place = part * static_cast<double>(of.size() - 1);
      auto const below = static_cast<std::size_t>(place);
      auto const above = std::min(below + 1, of.size() - 1);
      return of[below] + (place - static_cast<double>(below)) * (of[above] - of[below]);
    };
    first = at(0.25), median = at(0.5), third = at(0.75);
  }
};

struct measured {
  row* what;
  std::vector<double> own{}, other{};  // samples; the samples of one round have the same index
};

// Round by round, so that other work of the machine disturbs all rows alike. The first round warms up.
std::vector<measured> measure(stage& on, std::vector<row>& rows, wishes const& wanted) {
  std::optional<other_program> other;
  if (!wanted.beside.empty()) other.emplace(wanted.beside);
  std::vector<measured> out;
  for (auto& each : rows) {
    if (wanted.scripts.empty() || std::ranges::count(wanted.scripts, each.script) > 0) out.push_back({&each});
  }
  for (int round = 0; round <= wanted.rounds; ++round) {
    for (auto& each : out) {
      std::optional<double> theirs;
      auto const ask = [&] {
        if (other) theirs = other->sample(each.what->script, each.what->what);
      };
      if (round % 2 == 0) ask();
      auto const ours = each.what->sample(on);
      if (round % 2 == 1) ask();
      if (round == 0) continue;
      each.own.push_back(ours);
      if (theirs) each.other.push_back(*theirs);
    }
  }
  return out;
}

void print_alone(std::vector<measured> const& all) {
  fmt::print("{:<22}{:<60}{:>10}{:>18}\n", "script", "situation", "us a call", "half of them");
  for (auto const& each : all) {
    quartiles const own{each.own};
    fmt::print("{:<22}{:<60}{:>10.1f}{:>18}\n", each.what->script, each.what->what, own.median,
               fmt::format("{:.1f} to {:.1f}", own.first, own.third));
  }
}

void print_both(std::vector<measured> const& all) {
  fmt::print("{:<22}{:<60}{:>10}{:>10}{:>9}{:>22}\n", "script", "situation", "before us", "now us", "change",
             "half of the rounds");
  for (auto const& each : all) {
    quartiles const own{each.own};
    if (each.other.size() != each.own.size()) {
      fmt::print("{:<22}{:<60}{:>10}{:>10.1f}\n", each.what->script, each.what->what, "-", own.median);
      continue;
    }
    std::vector<double> changes;
    for (std::size_t i = 0; i < each.own.size(); ++i) changes.push_back(100 * (each.own[i] / each.other[i] - 1));
    quartiles const change{changes}, other{each.other};
    fmt::print("{:<22}{:<60}{:>10.1f}{:>10.1f}{:>8.1f}%{:>22}\n", each.what->script, each.what->what, other.median,
               own.median, change.median, fmt::format("{:+.1f}% to {:+.1f}%", change.first, change.third));
  }
}

// The other end of other_program.
int answer(stage& on, std::vector<row>& rows) {
  for (std::string line; std::getline(std::cin, line);) {
    auto const tab = line.find('\t');
    auto const found = std::ranges::find_if(
        rows, [&](row const& each) { return each.script == line.substr(0, tab) && each.what == line.substr(tab + 1); });
    if (found == rows.end()) fmt::print("-\n");
    else fmt::print("{}\n", found->sample(on));
    std::fflush(stdout);
  }
  return 0;
}

int run(wishes const& wanted) {
  stage on;
  auto rows = all_rows(on);
  auto const missing = scripts_without_row(rows);
  for (auto const& name : missing) fmt::print(stderr, "hiky_script_bench: no row calls {}.lua\n", name);
  if (!missing.empty()) return 1;
  if (wanted.answer) return answer(on, rows);
  auto const all = measure(on, rows, wanted);
  if (wanted.beside.empty()) print_alone(all);
  else print_both(all);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Calls each of hiky's Lua scripts on a redis-server of its own, as hikyd does, and prints how long Redis is busy "
      "with a call."};
  wishes wanted;
  app.add_option("scripts", wanted.scripts, "Names without .lua (default: all)");
  app.add_option("--rounds", wanted.rounds, "Samples of each row, of which the median counts")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--beside", wanted.beside,
                 "Another build of this program: both take turns, and the table shows the change")
      ->check(CLI::ExistingFile);
  app.add_flag("--answer", wanted.answer, "For --beside: measures the rows that are named on standard input");
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& fault) {
    return app.exit(fault) == 0 ? 0 : 2;
  }
  try {
    return run(wanted);
  } catch (std::exception const& fault) {
    fmt::print(stderr, "hiky_script_bench: {}\n", fault.what());
    return 1;
  }
}
