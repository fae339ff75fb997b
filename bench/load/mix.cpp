// SPDX-License-Identifier: Apache-2.0
// Many rooms of ten with messages at a fixed rate.
#include <algorithm>

#include <fmt/format.h>

#include "scenario.hpp"
#include "talk.hpp"

namespace hiky::load {

outcome mix(run const& what) {
  std::size_t const users = what.set.users ? what.set.users : 2000;
  std::size_t const room_size = std::min(what.set.room_size ? what.set.room_size : 10, users);
  outcome found =
      begin_outcome(what, "mix", fmt::format("{} users, rooms of {}, {:.0f} msg/s", users, room_size, what.set.rate));
  talk chat(what, users, room_size);
  if (!chat.open("mix")) return failed(found, chat.crowd()), found;
  chat.play(what.set.rate, 1);

  chat.clear();
  std::uint64_t const heard_before = chat.book().heard();
  auto const cpu_before = what.server.cpu();
  double const seconds = chat.play(what.set.rate, what.set.seconds);
  auto const used = what.server.cpu() - cpu_before;
  std::uint64_t const in_time = chat.book().heard() - heard_before;

  chat.drain();
  if (failed(found, chat.crowd())) return found;
  found.failure = chat.book().discrepancy();
  if (!found.failure.empty()) return found;
  if (chat.lateness() > ns_per_second / 10)
    found.note = fmt::format("the load generator fell behind by {:.0f} ms", static_cast<double>(chat.lateness()) / 1e6);
  else if (chat.one_way().quantile_ms(0.99) > 1000) found.note = "the server fell behind";
  found.set("asked_s", what.set.rate);
  found.set("rate_s", static_cast<double>(in_time) / seconds);
  found.set("p50_ms", chat.one_way().quantile_ms(0.5));
  found.set("p99_ms", chat.one_way().quantile_ms(0.99));
  set_cpu(found, what, used, in_time);
  return found;
}

}  // namespace hiky::load
