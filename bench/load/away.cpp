// SPDX-License-Identifier: Apache-2.0
// A large room where nine of ten members are offline: a message goes to few connections and into very many mailboxes.
#include <fmt/format.h>

#include "ledger.hpp"
#include "scenario.hpp"
#include "stamp.hpp"

namespace hiky::load {

outcome away(run const& what) {
  std::size_t const users = what.set.users ? what.set.users : 1000;
  std::size_t const present = users / 10;
  outcome found = begin_outcome(what, "away", fmt::format("{} members, {} offline", users, users - present));
  swarm crowd(what.to, what.speech);
  latency one_way;
  ledger book(present, present, what.speech.echoes());
  std::uint64_t sent = 0;
  crowd.on_delivery = [&](std::size_t member, std::string_view text) {
    auto const when = stamp_of(text);
    if (!when) return;
    one_way.add(now_ns() - *when);
    book.heard(member);
  };
  if (!crowd.open(users, rooms_of("away", users), what.set.in_flight, setup_deadline(users)))
    return failed(found, crowd), found;
  crowd.leave(present, users - present);
  // Waits until the grace is over: until then an announcement is held back.
  crowd.run(now_ns() + 6 * ns_per_second, [] { return false; });
  settle(what, crowd);

  auto const cpu_before = what.server.cpu();
  std::int64_t const start = now_ns(), end = start + static_cast<std::int64_t>(what.set.seconds * 1e9);
  while (now_ns() < end && crowd.faults() == 0) {
    crowd.say(0, stamped_content(what.set.content_bytes, now_ns()));
    book.said(0);
    ++sent;
    if (!crowd.run(now_ns() + 10 * ns_per_second, [&] { return book.complete() || crowd.faults() > 0; })) break;
  }
  auto const used = what.server.cpu() - cpu_before;
  double const seconds = static_cast<double>(now_ns() - start) / 1e9;
  if (failed(found, crowd)) return found;
  found.failure = book.discrepancy();
  if (!found.failure.empty()) return found;
  found.set("rate_s", static_cast<double>(book.heard()) / seconds);
  found.set("p50_ms", one_way.quantile_ms(0.5));
  found.set("p99_ms", one_way.quantile_ms(0.99));
  set_cpu(found, what, used, book.heard());
  found.set("redis_message_ms", static_cast<double>(used.redis) / 1e6 / static_cast<double>(sent));
  return found;
}

}  // namespace hiky::load
