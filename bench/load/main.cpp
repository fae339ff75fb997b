// SPDX-License-Identifier: Apache-2.0
// hiky_load: loads a chat server on this machine and prints the cost of a message, a connection and a connect. Exit
// codes: 0 every scenario ran (targets may be missed: the table says so) · 1 a scenario failed · 2 usage.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "floor.hpp"
#include "report.hpp"
#include "rounds.hpp"
#include "scenario.hpp"

namespace {
using namespace hiky::load;

struct request {
  std::vector<std::string> scenarios;
  settings set;
  std::string dialect = "hiky", sends, record;
  std::vector<std::string> urls, report;
  std::vector<pid_t> pids;
  pid_t redis_pid = 0;
  bool json = false, floor_only = false, compress = false;
};

void describe(CLI::App& app, request& asked) {
  std::string about = "What to run, in this order (default: all):";
  for (scenario const& one : all_scenarios()) about += fmt::format("\n{}: {}", one.name, one.about);
  app.add_option("scenarios", asked.scenarios, about);
  app.add_option("--report", asked.report,
                 "Run nothing: print what these files recorded, medians where a load stands there several times");
  app.add_option("--url", asked.urls, "Server, ws://127.x.y.z:PORT/PATH; many: once for each instance")
      ->allow_extra_args(false);
  app.add_option("--pid", asked.pids,
                 "Process of the server, once for each; its children count with it. Without it no cost is measured")
      ->allow_extra_args(false);
  app.option_defaults()->take_last();
  app.add_option("--redis-pid", asked.redis_pid, "Process of its Redis, unless it is a child of --pid");
  app.add_option("--dialect", asked.dialect, "hiky, socketio, nchan or centrifugo")->capture_default_str();
  app.add_option("--server", asked.set.server, "Name in the table")->capture_default_str();
  app.add_option("--sends", asked.sends, "How the server sends (send or io_uring): shown, and decides fan's target");
  app.add_option("--seconds", asked.set.seconds, "Time of measuring per scenario, without set-up")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 600.0));
  app.add_option("--users", asked.set.users, "Instead of the scenario's own number");
  app.add_option("--room-size", asked.set.room_size, "mix, peak, many, idle, storm: instead of 10, 10, 10, 1, 1");
  app.add_option("--rate", asked.set.rate, "mix, many: messages per second; peak begins with it")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 1e6));
  app.add_option("--window", asked.set.window, "fan: messages under way at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--in-flight", asked.set.in_flight, "Connections being opened at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  app.add_option("--content", asked.set.content_bytes, "Bytes of a message's content")
      ->capture_default_str()
      ->check(CLI::Range(18, 60'000));
  app.add_flag("--compress", asked.compress, "Offer permessage-deflate; the members themselves send plain");
  app.add_option("--record", asked.record, "Append the outcomes to this file and print nothing");
  app.add_flag("--json", asked.json, "JSON instead of a table");
  app.add_flag("--floor", asked.floor_only, "Only the bare send() loop, needs no server");
}

int usage(std::string_view text) {
  fmt::print(stderr, "hiky_load: {}\n", text);
  return 2;
}

void print(std::vector<outcome> const& all, bool json) {
  std::fputs((json ? as_json(all) : as_table(all)).c_str(), stdout);
}

int report(request const& asked) {
  std::vector<outcome> all;
  for (std::string const& name : asked.report) {
    std::ifstream file(name);
    if (!file) return usage(fmt::format("--report {}: cannot be read", name));
    for (std::string line; std::getline(file, line);) {
      auto what = from_line(line);
      if (!what) return usage(fmt::format("--report {}: not a line that --record wrote: {}", name, line));
      all.push_back(std::move(*what));
    }
  }
  print(join_rounds(all), asked.json);
  return std::ranges::all_of(all, [](outcome const& one) { return one.failure.empty(); }) ? 0 : 1;
}

int measure_floor(settings const& set) {
  std::size_t const receivers = set.users ? set.users : 1000;
  send_floor floor(receivers);
  // As long as a message frame of hikyd with this content.
  floor.load(std::string(set.content_bytes + 140, 'x'));
  floor.run(now_ns() + ns_per_second / 2);
  auto const slice = floor.run(now_ns() + static_cast<std::int64_t>(set.seconds * 1e9));
  if (slice.sends == 0) return usage("the sender of the floor could not connect or stopped");
  fmt::print("bare send() to {} sockets in turn: {:.2f} us of processor time a send ({} sends in {} s)\n", receivers,
             slice.us_per_send, slice.sends, set.seconds);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Loads a chat server on this machine and says what it costs."};
  request asked;
  describe(app, asked);
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& fault) {
    return app.exit(fault) == 0 ? 0 : 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  if (!asked.report.empty()) return report(asked);
  raise_file_limit(70'000);
  if (asked.floor_only) return measure_floor(asked.set);

  std::vector<endpoint> instances;
  for (std::string const& url : asked.urls) {
    auto to = parse_url(url);
    if (!to) return usage(fmt::format("--url \"{}\": expected ws://127.x.y.z:PORT/PATH", url));
    to->compress = asked.compress;
    instances.push_back(std::move(*to));
  }
  if (instances.empty()) return usage("--url is missing");
  auto const speech = make_dialect(asked.dialect);
  if (!speech) return usage(fmt::format("--dialect {}: expected hiky, socketio, nchan or centrifugo", asked.dialect));
  std::vector<scenario> chosen;
  for (scenario const& one : all_scenarios())
    if (asked.scenarios.empty() ? one.usual : std::ranges::count(asked.scenarios, one.name) > 0) chosen.push_back(one);
  for (std::string const& name : asked.scenarios)
    if (std::ranges::count(all_scenarios(), name, &scenario::name) == 0)
      return usage(fmt::format("no scenario is called {}", name));

  std::erase(asked.pids, 0);
  run const what{asked.set, instances.front(), instances, *speech, processes(asked.pids, asked.redis_pid)};
  std::vector<outcome> all;
  for (scenario const& one : chosen) {
    all.push_back(one.perform(what));
    all.back().sends = asked.sends;
  }
  if (asked.record.empty()) {
    print(all, asked.json);
  } else {
    std::ofstream file(asked.record, std::ios::app);
    for (outcome const& one : all) file << to_line(one) << '\n';
    if (!file) return usage(fmt::format("--record {}: cannot be written", asked.record));
  }
  return std::ranges::all_of(all, [](outcome const& one) { return one.failure.empty(); }) ? 0 : 1;
}
