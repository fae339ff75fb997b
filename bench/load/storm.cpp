// SPDX-License-Identifier: Apache-2.0
// All clients come at once: each connects, upgrades, registers and joins, with a bounded number under way at a time.
#include <fmt/format.h>

#include "scenario.hpp"

namespace hiky::load {

outcome storm(run const& what) {
  std::size_t const users = what.set.users ? what.set.users : 10'000;
  std::size_t const room_size = what.set.room_size ? what.set.room_size : 1;
  outcome found = begin_outcome(what, "storm", fmt::format("{} connects, rooms of {}", users, room_size));
  {
    swarm first(what.to, what.speech);
    if (!first.open(100, rooms_of("warm", room_size), what.set.in_flight, setup_deadline(100)))
      return failed(found, first), found;
    settle(what, first);
  }
  swarm crowd(what.to, what.speech);
  settle(what, crowd);
  auto const cpu_before = what.server.cpu();
  std::int64_t const start = now_ns();
  if (!crowd.open(users, rooms_of("storm", room_size), what.set.in_flight, setup_deadline(users)))
    return failed(found, crowd), found;
  double const seconds = static_cast<double>(now_ns() - start) / 1e9;
  auto const used = what.server.cpu() - cpu_before;
  found.set("rate_s", static_cast<double>(users) / seconds);
  found.set("p50_ms", crowd.setup().quantile_ms(0.5));
  found.set("p99_ms", crowd.setup().quantile_ms(0.99));
  set_cpu(found, what, used, users);
  if (what.server.known())
    found.set("rate_core_s", static_cast<double>(users) * 1e9 / static_cast<double>(used.gateway + used.redis));
  return found;
}

}  // namespace hiky::load
