// SPDX-License-Identifier: Apache-2.0
#include "targets.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace hiky::load {
namespace {

struct limit {
  std::string_view scenario, figure, text;
  double bound;
  bool at_least = false;
};

constexpr limit limits[] = {
    {"pair", "p50_ms", "p50 <= 0.10 ms", 0.10},
    {"idle", "memory_b", "gateway memory <= 1200 B a connection", 1200},
    {"idle", "redis_memory_b", "Redis's memory <= 1200 B a connection", 1200},
    {"storm", "gateway_us", "gateway <= 60 us a connect", 60},
    {"storm", "redis_us", "Redis <= 35 us a connect", 35},
    {"storm", "rate_core_s", "connects >= 10000 a core-second of gateway + Redis", 10'000, true},
    {"away", "redis_message_ms", "Redis <= 2 ms a message", 2},
};

// Processor time per delivery of hiky, as a share of another server's under the same load.
struct share_limit {
  std::string_view scenario, peer;
  double rate;  // messages a second
  double bound;
};

constexpr share_limit share_limits[] = {
    {"mix", "socket.io", 2000, 0.6},
    {"mix", "socket.io", 6000, 0.45},
    {"mix", "centrifugo+history", 2000, 0.6},
    {"mix", "centrifugo+history", 6000, 0.5},
    {"mix", "nchan", 2000, 0.7},
};

std::optional<double> per_delivery(outcome const& what) {
  auto const gateway = what.get("gateway_us");
  auto const redis = what.get("redis_us");
  return gateway && redis ? std::optional(*gateway + *redis) : std::nullopt;
}

bool is_ours(outcome const& one) { return one.server == "hiky" || one.server.starts_with("hiky "); }

std::string title_of(outcome const& ours) {
  std::string title = ours.title();
  if (auto const rate = ours.get("asked_s")) title += fmt::format(" {:.0f}/s", *rate);
  if (ours.server != "hiky") title += fmt::format(" ({})", ours.server.substr(5));
  return title;
}

void judge_fan(outcome const& ours, std::vector<verdict>& verdicts) {
  auto const ratio = ours.get("ratio");
  if (!ratio) return;
  if (ours.sends == "io_uring") verdicts.push_back({title_of(ours), "< 1.0 x bare send()", *ratio, *ratio < 1.0});
  else verdicts.push_back({title_of(ours), "<= 1.1 x bare send()", *ratio, *ratio <= 1.1});
}

void judge_alone(outcome const& ours, std::vector<verdict>& verdicts) {
  for (limit const& one : limits) {
    auto const value = one.scenario == ours.scenario ? ours.get(one.figure) : std::nullopt;
    if (!value) continue;
    bool const pass = one.at_least ? *value >= one.bound : *value <= one.bound;
    verdicts.push_back({title_of(ours), std::string(one.text), *value, pass});
  }
}

void compare(outcome const& ours, outcome const& theirs, std::vector<verdict>& verdicts) {
  if (ours.scenario == "peak") {
    auto const mine = ours.get("rate_s"), other = theirs.get("rate_s");
    if (mine && other && *other > 0)
      verdicts.push_back({title_of(ours), fmt::format("messages/s x {}", theirs.server), *mine / *other, std::nullopt});
    return;
  }
  auto const mine = per_delivery(ours), other = per_delivery(theirs);
  if (!mine || !other || *other <= 0) return;
  verdict found{title_of(ours), fmt::format("x {}", theirs.server), *mine / *other, std::nullopt};
  for (share_limit const& one : share_limits) {
    if (one.scenario != ours.scenario || one.peer != theirs.server || ours.get("asked_s") != one.rate) continue;
    found.target = fmt::format("<= {} x {}", one.bound, theirs.server);
    found.pass = found.measured <= one.bound;
  }
  verdicts.push_back(std::move(found));
}

// "1000 users"
std::string_view users_of(outcome const& many) { return std::string_view(many.load).substr(0, many.load.find(',')); }

// many: a message and a connection should cost the same beside any number of connections.
void judge_growth(outcome const& smallest, outcome const& ours, std::vector<verdict>& verdicts) {
  auto const judge_one = [&](std::string_view what, std::optional<double> few, std::optional<double> more) {
    if (few && more && *few > 0)
      verdicts.push_back({fmt::format("{} {}", title_of(ours), users_of(ours)),
                          fmt::format("{} x that of {}", what, users_of(smallest)),
                          *more / *few,
                          {}});
  };
  judge_one("delivery", per_delivery(smallest), per_delivery(ours));
  judge_one("memory", smallest.get("memory_b"), ours.get("memory_b"));
}

}  // namespace

std::vector<verdict> judge(std::span<outcome const> all) {
  std::vector<verdict> verdicts;
  for (outcome const& ours : all) {
    if (!is_ours(ours) || !ours.failure.empty()) continue;
    if (ours.scenario == "fan") judge_fan(ours, verdicts);
    judge_alone(ours, verdicts);
    if (ours.scenario == "many") {
      auto const smallest = std::ranges::find_if(all, [&](outcome const& one) {
        return one.scenario == "many" && one.server == ours.server && one.failure.empty();
      });
      if (&*smallest != &ours) judge_growth(*smallest, ours, verdicts);
    }
    for (outcome const& theirs : all)
      if (!is_ours(theirs) && theirs.failure.empty() && theirs.scenario == ours.scenario && theirs.load == ours.load)
        compare(ours, theirs, verdicts);
  }
  return verdicts;
}

}  // namespace hiky::load
