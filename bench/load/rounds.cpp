// SPDX-License-Identifier: Apache-2.0
#include "rounds.hpp"

#include <algorithm>
#include <string>
#include <tuple>

#include <fmt/format.h>

namespace hiky::load {
namespace {

auto key(outcome const& one) { return std::tie(one.server, one.scenario, one.sends, one.load); }

// The first text that is not empty, and in how many of the rounds there is one.
std::string first_text(std::vector<outcome const*> const& rounds, std::string outcome::* text) {
  auto const has = [&](outcome const* one) { return !(one->*text).empty(); };
  auto const first = std::ranges::find_if(rounds, has);
  if (first == rounds.end()) return {};
  if (rounds.size() == 1) return (*first)->*text;
  return fmt::format("{} ({} of {} rounds)", (*first)->*text, std::ranges::count_if(rounds, has), rounds.size());
}

outcome joined(std::vector<outcome const*> const& rounds) {
  outcome one = *rounds.front();
  one.note = first_text(rounds, &outcome::note);
  one.failure = first_text(rounds, &outcome::failure);
  for (auto& [name, value] : one.figures) {
    std::vector<double> values;
    for (outcome const* each : rounds)
      if (auto const figure = each->get(name)) values.push_back(*figure);
    value = median(std::move(values));
  }
  if (rounds.size() > 1) one.set("rounds", static_cast<double>(rounds.size()));
  return one;
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return values.size() % 2 ? *middle : (*middle + *std::max_element(values.begin(), middle)) / 2;
}

std::vector<outcome> join_rounds(std::span<outcome const> all) {
  std::vector<std::vector<outcome const*>> groups;
  for (outcome const& one : all) {
    auto const same = [&](auto const& group) { return key(*group.front()) == key(one); };
    auto const group = std::ranges::find_if(groups, same);
    if (group == groups.end()) groups.push_back({&one});
    else group->push_back(&one);
  }
  std::vector<outcome> out;
  out.reserve(groups.size());
  for (auto const& group : groups) out.push_back(joined(group));
  return out;
}

}  // namespace hiky::load
