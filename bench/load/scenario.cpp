// SPDX-License-Identifier: Apache-2.0
#include "scenario.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

namespace hiky::load {

std::span<scenario const> all_scenarios() {
  static constexpr std::array<scenario, 8> all{{
      {"pair", "2 users in a room, one message at a time", pair},
      {"fan", "1 sender, 1,000 receivers in a room, beside the bare send() loop", fan},
      {"mix", "2,000 users in rooms of 10, 2,000 messages a second", mix},
      {"idle", "10,000 registered connections in a room each", idle},
      {"storm", "10,000 times connect, register, join, as fast as it goes", storm},
      {"peak", "the load of mix, faster and faster until p99 > 50 ms", peak},
      {"away", "a room of 1,000 with 900 offline: each message fills 900 mailboxes", away},
      {"many", "10,000 connections, on one or several instances, and messages in their rooms of 10; not by default",
       many, false},
  }};
  return all;
}

outcome begin_outcome(run const& what, std::string_view scenario, std::string load) {
  outcome found;
  found.server = what.set.server;
  found.scenario = scenario;
  found.load = std::move(load);
  return found;
}

std::function<place(std::size_t)> rooms_of(std::string_view scenario, std::size_t size) {
  // The process id keeps a second run on the same server out of the rooms of the first run, because rooms remember
  // their members.
  std::string const stem = fmt::format("{}{}", scenario, getpid());
  return [stem, size](std::size_t i) {
    return place{fmt::format("{}-u{}", stem, i), fmt::format("{}-r{}", stem, i / size)};
  };
}

std::int64_t setup_deadline(std::size_t count) {
  return now_ns() + 10 * ns_per_second + static_cast<std::int64_t>(count) * 5 * ns_per_ms;
}

void settle(run const& what, swarm& crowd) {
  std::int64_t const limit = now_ns() + 20 * ns_per_second;
  constexpr std::int64_t pause = 200 * ns_per_ms;
  do {
    auto const before = what.server.cpu();
    crowd.run(now_ns() + pause, [] { return false; });
    auto const used = what.server.cpu() - before;
    if (used.gateway + used.redis < pause / 50) return;
  } while (now_ns() < limit);
}

void set_cpu(outcome& found, run const& what, cpu_sample used, std::uint64_t units) {
  if (units == 0) return;
  auto const us = [&](std::int64_t ns) { return static_cast<double>(ns) / 1e3 / static_cast<double>(units); };
  if (what.server.known()) {
    found.set("gateway_us", us(used.gateway));
    found.set("redis_us", us(used.redis));
  }
  found.set("own_us", us(used.own));
}

bool failed(outcome& found, swarm const& crowd) {
  if (crowd.faults() == 0) return false;
  found.failure = crowd.first_fault();
  if (crowd.faults() > 1) found.failure += fmt::format(" (and {} more)", crowd.faults() - 1);
  return true;
}

}  // namespace hiky::load
