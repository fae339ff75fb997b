// SPDX-License-Identifier: Apache-2.0
// Two users in a room answer each other, one message under way at a time: the one-way latency of an idle server.
#include "scenario.hpp"
#include "stamp.hpp"

namespace hiky::load {

outcome pair(run const& what) {
  outcome found = begin_outcome(what, "pair", "2 users");
  swarm crowd(what.to, what.speech);
  latency one_way;
  std::uint64_t heard = 0;
  auto const speak = [&](std::size_t member) { crowd.say(member, stamped_content(what.set.content_bytes, now_ns())); };
  std::size_t speaker = 0;
  crowd.on_delivery = [&](std::size_t member, std::string_view text) {
    auto const sent = stamp_of(text);
    if (!sent || member == speaker) return;
    one_way.add(now_ns() - *sent);
    ++heard;
    speaker = member;
    speak(member);
  };
  if (!crowd.open(2, rooms_of("pair", 2), 1, setup_deadline(2))) return failed(found, crowd), found;
  settle(what, crowd);

  speak(speaker);
  auto const play = [&](double seconds) {
    std::int64_t const end = now_ns() + static_cast<std::int64_t>(seconds * 1e9);
    std::uint64_t last = heard;
    while (now_ns() < end && crowd.faults() == 0) {
      crowd.run(now_ns() + ns_per_second / 2, [&] { return now_ns() >= end || crowd.faults() > 0; });
      if (heard == last && now_ns() < end) {
        found.failure = "no message arrived for half a second, although one was sent";
        return false;
      }
      last = heard;
    }
    return !failed(found, crowd);
  };
  if (!play(0.3)) return found;

  one_way.clear();
  std::uint64_t const heard_before = heard;
  auto const cpu_before = what.server.cpu();
  std::int64_t const start = now_ns();
  if (!play(what.set.seconds)) return found;
  double const seconds = static_cast<double>(now_ns() - start) / 1e9;
  found.set("rate_s", static_cast<double>(heard - heard_before) / seconds);
  found.set("p50_ms", one_way.quantile_ms(0.5));
  found.set("p99_ms", one_way.quantile_ms(0.99));
  set_cpu(found, what, what.server.cpu() - cpu_before, heard - heard_before);
  return found;
}

}  // namespace hiky::load
