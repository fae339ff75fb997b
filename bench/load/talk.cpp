// SPDX-License-Identifier: Apache-2.0
#include "talk.hpp"

#include <algorithm>

#include "stamp.hpp"

namespace hiky::load {

talk::talk(run const& what, std::size_t users, std::size_t room_size)
    : what_(what),
      users_(users),
      room_size_(room_size),
      crowd_(what.to, what.speech),
      book_(users, room_size, what.speech.echoes()) {
  crowd_.on_delivery = [this](std::size_t member, std::string_view text) {
    auto const due = stamp_of(text);
    if (!due) return;
    one_way_.add(now_ns() - *due);
    book_.heard(member);
  };
}

bool talk::open(std::string_view stem) {
  if (!crowd_.open(users_, rooms_of(stem, room_size_), what_.set.in_flight, setup_deadline(users_))) return false;
  settle(what_, crowd_);
  return crowd_.faults() == 0;
}

void talk::speak(std::int64_t due) {
  // A stride that shares no factor with the usual sizes: neighbours in time are in different rooms, and everybody
  // speaks.
  std::size_t const member = static_cast<std::size_t>(sent_++ * 7919 % users_);
  book_.said(member);
  lateness_ = std::max(lateness_, now_ns() - due);
  crowd_.say(member, stamped_content(what_.set.content_bytes, due));
}

double talk::play(double rate, double seconds, std::uint64_t most_open) {
  auto const gap = static_cast<std::int64_t>(1e9 / rate);
  std::int64_t const start = now_ns();
  std::int64_t const end = start + static_cast<std::int64_t>(seconds * 1e9);
  for (std::int64_t due = start; due < end && crowd_.faults() == 0;) {
    for (std::int64_t const now = now_ns(); due <= now && due < end; due += gap) speak(due);
    crowd_.step(std::min(due, end));
    if (book_.due() - std::min(book_.heard(), book_.due()) > most_open) break;
  }
  return static_cast<double>(now_ns() - start) / 1e9;
}

bool talk::drain() {
  crowd_.run(now_ns() + 10 * ns_per_second, [&] { return book_.complete() || crowd_.faults() > 0; });
  return book_.complete() && crowd_.faults() == 0;
}

void talk::clear() {
  one_way_.clear();
  lateness_ = 0;
}

}  // namespace hiky::load
