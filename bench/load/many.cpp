// SPDX-License-Identifier: Apache-2.0
// A fixed load of messages beside ever more connections, on as many instances as they need: the memory of a connection
// and the cost of a message, which should not depend on their number.
#include <algorithm>

#include <fmt/format.h>

#include "crew.hpp"
#include "scenario.hpp"

namespace hiky::load {
namespace {

// Code and tables that the first connections bring into memory belong to the process, not to a connection.
bool warm_up(outcome& found, run const& what) {
  for (endpoint const& instance : what.instances) {
    swarm first(instance, what.speech);
    if (!first.open(100, rooms_of("warm", 10), what.set.in_flight, setup_deadline(100))) return !failed(found, first);
  }
  swarm none(what.to, what.speech);
  settle(what, none);
  return true;
}

// The processor time of `seconds` without messages.
cpu_sample rest(run const& what, double seconds) {
  swarm none(what.to, what.speech);
  auto const before = what.server.cpu();
  none.run(now_ns() + static_cast<std::int64_t>(seconds * 1e9), [] { return false; });
  return what.server.cpu() - before;
}

}  // namespace

outcome many(run const& what) {
  std::size_t const users = what.set.users ? what.set.users : 10'000;
  std::size_t const room_size = what.set.room_size ? what.set.room_size : 10;
  outcome found =
      begin_outcome(what, "many", fmt::format("{} users, rooms of {}, {:.0f} msg/s", users, room_size, what.set.rate));
  if (!what.server.known()) {
    found.failure = "memory cannot be read without the server's process id (--pid)";
    return found;
  }
  if (!warm_up(found, what)) return found;
  auto const gateway_before = what.server.gateway_resident_bytes();
  auto const redis_before = what.server.redis_resident_bytes();
  crew team(what, users, room_size);
  auto const ended = [&] {
    found.failure = team.failure();
    return found;
  };
  if (!team.open()) return ended();
  auto const each = [&](std::int64_t bytes) { return static_cast<double>(bytes) / static_cast<double>(users); };
  found.set("memory_b", each(what.server.gateway_resident_bytes() - gateway_before));
  found.set("redis_memory_b", each(what.server.redis_resident_bytes() - redis_before));
  if (!team.talk(1)) return ended();

  auto const idle = rest(what, what.set.seconds);
  auto const cpu_before = what.server.cpu();
  std::int64_t const start = now_ns();
  if (!team.talk(what.set.seconds)) return ended();
  double const seconds = static_cast<double>(now_ns() - start) / 1e9;
  auto used = what.server.cpu() - cpu_before;
  // Pings and the like grow with the connections, not with the messages.
  auto const share = [&](std::int64_t ns) {
    return static_cast<std::int64_t>(static_cast<double>(ns) * seconds / what.set.seconds);
  };
  used.gateway -= share(idle.gateway);
  used.redis -= share(idle.redis);
  used.own = team.own_ns();
  found.set("rate_s", static_cast<double>(team.heard()) / seconds);
  found.set("p50_ms", team.p50_ms());
  found.set("p99_ms", team.p99_ms());
  found.set("busy_percent", static_cast<double>(idle.gateway + idle.redis) / what.set.seconds / 1e7);
  set_cpu(found, what, used, team.heard());
  found.note = fmt::format("{} instances, {:.1f} % of a core without messages", what.instances.size(),
                           *found.get("busy_percent"));
  if (team.late_ms() > 100) found.note += fmt::format(", the load generator fell behind by {:.0f} ms", team.late_ms());
  return found;
}

}  // namespace hiky::load
