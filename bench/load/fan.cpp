// SPDX-License-Identifier: Apache-2.0
// One sender, a room full of receivers; the next message leaves when every receiver has the last one. The send floor
// runs in turns of half a second with it, so that other work of the machine disturbs both alike. Figures are medians
// over the turns.
#include <algorithm>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "floor.hpp"
#include "ledger.hpp"
#include "rounds.hpp"
#include "scenario.hpp"
#include "stamp.hpp"

namespace hiky::load {
namespace {

struct fan_room {
  run const& what;
  std::size_t receivers;
  swarm crowd{what.to, what.speech};
  latency one_way;
  std::string sample;  // the text of one delivery, for the floor
  std::uint64_t sent = 0;
  ledger book{receivers + 1, receivers + 1, what.speech.echoes()};

  bool open() {
    crowd.on_delivery = [this](std::size_t member, std::string_view text) {
      auto const when = stamp_of(text);
      if (!when) return;
      one_way.add(now_ns() - *when);
      book.heard(member);
      if (sample.empty()) sample = text;
    };
    return crowd.open(receivers + 1, rooms_of("fan", receivers + 1), what.set.in_flight, setup_deadline(receivers));
  }

  // Sends for a while and waits for the last delivery. False if the last delivery does not come within 10 s.
  bool play(std::int64_t until) {
    std::size_t const copies = receivers + (what.speech.echoes() ? 1 : 0);
    while (now_ns() < until && crowd.faults() == 0) {
      while (sent - book.heard() / copies < what.set.window) {
        crowd.say(0, stamped_content(what.set.content_bytes, now_ns()));
        book.said(0);
        ++sent;
      }
      std::uint64_t const goal = (sent - what.set.window + 1) * copies;
      if (!crowd.run(now_ns() + 10 * ns_per_second, [&] { return book.heard() >= goal || crowd.faults() > 0; }))
        return false;
    }
    return crowd.run(now_ns() + 10 * ns_per_second, [&] { return book.complete() || crowd.faults() > 0; });
  }
};

}  // namespace

outcome fan(run const& what) {
  std::size_t const receivers = what.set.users ? what.set.users : 1000;
  outcome found = begin_outcome(what, "fan", fmt::format("1 to {}", receivers));
  send_floor floor(receivers);
  fan_room room{what, receivers};
  if (!room.open()) return failed(found, room.crowd), found;
  settle(what, room.crowd);
  constexpr std::int64_t turn = ns_per_second / 2;
  if (!room.play(now_ns() + turn) || room.sample.empty()) {
    found.failure = room.book.discrepancy();
    failed(found, room.crowd);
    return found;
  }
  floor.load(room.sample);
  floor.run(now_ns() + turn / 2);

  room.one_way.clear();
  std::vector<double> gateway, redis, own, bare, ratio, rate;
  std::uint64_t bare_sends = 0;
  auto const turns = std::max(static_cast<int>(what.set.seconds * 1e9 / turn), 1);
  for (int i = 0; i < turns; ++i) {
    auto const cpu_before = what.server.cpu();
    std::uint64_t const heard_before = room.book.heard();
    std::int64_t const start = now_ns();
    bool const complete = room.play(start + turn);
    auto const used = what.server.cpu() - cpu_before;
    if (failed(found, room.crowd)) return found;
    if (!complete) break;
    auto const count = static_cast<double>(room.book.heard() - heard_before);
    rate.push_back(count * 1e9 / static_cast<double>(now_ns() - start));
    gateway.push_back(static_cast<double>(used.gateway) / 1e3 / count);
    redis.push_back(static_cast<double>(used.redis) / 1e3 / count);
    own.push_back(static_cast<double>(used.own) / 1e3 / count);
    auto const slice = floor.run(now_ns() + turn);
    if (slice.sends == 0) continue;
    bare_sends += slice.sends;
    bare.push_back(slice.us_per_send);
    ratio.push_back((gateway.back() + redis.back()) / slice.us_per_send);
  }
  found.failure = room.book.discrepancy();
  if (!found.failure.empty()) return found;
  found.set("rate_s", median(rate));
  found.set("p50_ms", room.one_way.quantile_ms(0.5));
  found.set("p99_ms", room.one_way.quantile_ms(0.99));
  if (what.server.known()) {
    found.set("gateway_us", median(gateway));
    found.set("redis_us", median(redis));
  }
  found.set("own_us", median(own));
  if (bare_sends > 0) {
    found.set("floor_us", median(bare));
    if (what.server.known()) found.set("ratio", median(ratio));
  } else {
    found.note = "the floor could not be measured";
  }
  return found;
}

}  // namespace hiky::load
