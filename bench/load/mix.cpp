// SPDX-License-Identifier: Apache-2.0
// Many rooms of ten with messages at a fixed rate, whether or not the server keeps up: latency counts from the moment a
// message was due.
#include <algorithm>

#include <fmt/format.h>

#include "ledger.hpp"
#include "scenario.hpp"
#include "stamp.hpp"

namespace hiky::load {

outcome mix(run const& what) {
  std::size_t const users = what.set.users ? what.set.users : 2000;
  std::size_t const room_size = std::min(what.set.room_size ? what.set.room_size : 10, users);
  outcome found =
      begin_outcome(what, "mix", fmt::format("{} users, rooms of {}, {:.0f} msg/s", users, room_size, what.set.rate));
  swarm crowd(what.to, what.speech);
  latency one_way;
  ledger book(users, room_size, what.speech.echoes());
  crowd.on_delivery = [&](std::size_t member, std::string_view text) {
    auto const due = stamp_of(text);
    if (!due) return;
    one_way.add(now_ns() - *due);
    book.heard(member);
  };
  if (!crowd.open(users, rooms_of("mix", room_size), what.set.in_flight, setup_deadline(users)))
    return failed(found, crowd), found;
  settle(what, crowd);

  std::uint64_t sent = 0;
  std::int64_t lateness = 0;
  auto const gap = static_cast<std::int64_t>(1e9 / what.set.rate);
  auto const speak = [&](std::int64_t due) {
    // A stride that shares no factor with the usual sizes: neighbours in time are in different rooms, and everybody
    // speaks.
    std::size_t const member = static_cast<std::size_t>(sent++ * 7919 % users);
    book.said(member);
    lateness = std::max(lateness, now_ns() - due);
    crowd.say(member, stamped_content(what.set.content_bytes, due));
  };
  auto const play = [&](double seconds) {
    std::int64_t const start = now_ns();
    std::int64_t const end = start + static_cast<std::int64_t>(seconds * 1e9);
    for (std::int64_t due = start; due < end && crowd.faults() == 0;) {
      for (std::int64_t const now = now_ns(); due <= now && due < end; due += gap) speak(due);
      crowd.step(std::min(due, end));
    }
    return static_cast<double>(now_ns() - start) / 1e9;
  };
  play(1);

  one_way.clear();
  lateness = 0;
  std::uint64_t const heard_before = book.heard();
  auto const cpu_before = what.server.cpu();
  double const seconds = play(what.set.seconds);
  auto const used = what.server.cpu() - cpu_before;
  std::uint64_t const in_time = book.heard() - heard_before;

  crowd.run(now_ns() + 10 * ns_per_second, [&] { return book.complete() || crowd.faults() > 0; });
  if (failed(found, crowd)) return found;
  found.failure = book.discrepancy();
  if (!found.failure.empty()) return found;
  if (lateness > ns_per_second / 10)
    found.note = fmt::format("the load generator fell behind by {:.0f} ms", static_cast<double>(lateness) / 1e6);
  else if (one_way.quantile_ms(0.99) > 1000) found.note = "the server fell behind";
  found.set("rate_s", static_cast<double>(in_time) / seconds);
  found.set("p50_ms", one_way.quantile_ms(0.5));
  found.set("p99_ms", one_way.quantile_ms(0.99));
  set_cpu(found, what, used, in_time);
  return found;
}

}  // namespace hiky::load
