// SPDX-License-Identifier: Apache-2.0
// Registered connections that sit in a room and say nothing: the memory that each keeps resident in the gateway.
#include <fmt/format.h>

#include "scenario.hpp"

namespace hiky::load {

outcome idle(run const& what) {
  std::size_t const users = what.set.users ? what.set.users : 10'000;
  std::size_t const room_size = what.set.room_size ? what.set.room_size : 1;
  outcome found = begin_outcome(what, "idle", fmt::format("{} users, rooms of {}", users, room_size));
  if (!what.server.known()) {
    found.failure = "memory cannot be read without the server's process id (--pid)";
    return found;
  }
  {
    // Code and tables that the first connections bring into memory belong to the process, not to a connection.
    swarm first(what.to, what.speech);
    if (!first.open(100, rooms_of("warm", room_size), what.set.in_flight, setup_deadline(100)))
      return failed(found, first), found;
    settle(what, first);
  }
  swarm crowd(what.to, what.speech);
  settle(what, crowd);
  auto const gateway_before = what.server.gateway_resident_bytes();
  auto const redis_before = what.server.redis_resident_bytes();
  if (!crowd.open(users, rooms_of("idle", room_size), what.set.in_flight, setup_deadline(users)))
    return failed(found, crowd), found;
  settle(what, crowd);
  auto const cpu_before = what.server.cpu();
  std::int64_t const start = now_ns();
  crowd.run(start + static_cast<std::int64_t>(what.set.seconds * 1e9), [&] { return crowd.faults() > 0; });
  auto const used = what.server.cpu() - cpu_before;
  if (failed(found, crowd)) return found;
  auto const each = [&](std::int64_t bytes) { return static_cast<double>(bytes) / static_cast<double>(users); };
  found.set("memory_b", each(what.server.gateway_resident_bytes() - gateway_before));
  found.set("redis_memory_b", each(what.server.redis_resident_bytes() - redis_before));
  found.set("busy_percent",
            static_cast<double>(used.gateway + used.redis) * 100 / static_cast<double>(now_ns() - start));
  return found;
}

}  // namespace hiky::load
