// SPDX-License-Identifier: Apache-2.0
// Part of ledger: what a client has by other means than the bus, or says that it has.
#include <algorithm>

#include "chat/delivery/ledger.hpp"

namespace hiky::chat::delivery {

namespace {

// Of one connection; beyond that the oldest are forgotten, and a message of theirs could come twice with the same
// messageId.
constexpr std::size_t most_ranges = 1024;

bool contains(ledger::range const& r, state::message_place const& place) {
  return place.seq >= r.first && place.seq <= r.last && place.epoch == r.epoch;
}

}  // namespace

void ledger::brought(range r) {
  if (r.first > r.last || r.epoch.empty()) return;
  auto& ranges = more().ranges;
  // One that touches it grows. Mail keeps to itself, since it proves nothing of what was said before it.
  auto const touches = [&](range const& each) {
    return each.in_order == r.in_order && each.epoch == r.epoch && r.first <= each.last + 1 && each.first <= r.last + 1;
  };
  for (auto it = std::ranges::find_if(ranges, touches); it != ranges.end();
       it = std::ranges::find_if(ranges, touches)) {
    r.first = std::min(r.first, it->first);
    r.last = std::max(r.last, it->last);
    ranges.erase(it);
  }
  look_ahead(r.epoch);
  ranges.push_back(std::move(r));
  if (ranges.size() > most_ranges) ranges.erase(ranges.begin());
}

// Rooms whose next messages from the bus may have come by other means. An epoch that no room here is in may become that
// of any.
void ledger::look_ahead(std::string_view epoch) {
  auto const of_epoch = std::ranges::find_if(rooms_, [&](entry const& e) { return e.room->last.epoch == epoch; });
  if (of_epoch != rooms_.end()) of_epoch->ahead = 1;
  else
    for (auto& e : rooms_) e.ahead = 1;
}

void ledger::claims(state::message_place const& last, bool by_connection) {
  if (last.seq == 0 || last.epoch.empty()) return;
  brought({last.epoch, last.seq, last.seq});
  if (by_connection) more().claimed.push_back(last);
  begin_behind(last);
}

void ledger::begins(state::message_place const& last) {
  if (last.seq == 0 || last.epoch.empty()) return;
  more();
  begin_behind(last);
  look_ahead(last.epoch);
  tidy();
}

// Nothing is taken back that was sent live already.
void ledger::begin_behind(state::message_place const& last) {
  auto const e = std::ranges::find_if(
      rooms_, [&](entry const& each) { return each.first != 0 && each.room->last.epoch == last.epoch; });
  if (e != rooms_.end()) {
    auto const first = full(*e, e->first);
    if (first > last.seq) return;
    if (!waits({last.epoch, first})) return;
    e->first = e->room->last.seq > last.seq ? std::max(static_cast<std::uint32_t>(last.seq + 1), 1U) : 0;
    e->confirmed = e->asked = static_cast<std::uint32_t>(last.seq);
  }
  extra_->begins.push_back(last);
}

void ledger::lost(std::string const& epoch) {
  if (epoch.empty()) return;
  for (auto& e : rooms_) {
    if (e.room->last.epoch != epoch) continue;
    keep(e);
    e.first = e.confirmed = e.asked = 0;
  }
  more().begins.push_back({epoch, all_of_it});
  look_ahead(epoch);
}

bool ledger::is_before_begin(state::message_place const& place) const {
  return extra_ && std::ranges::any_of(extra_->begins, [&](auto const& named) {
           return named.epoch == place.epoch && place.seq <= named.seq;
         });
}

bool ledger::waits(state::message_place const& place) const {
  return extra_ && std::ranges::any_of(extra_->waiting, [&](waiting_frame const& f) { return f.place == place; });
}

void ledger::was_given(range const& earlier) {
  if (!extra_) return;
  for (auto const& place : std::vector{extra_->claimed}) {
    if (contains(earlier, place)) brought({place.epoch, earlier.first, place.seq});
  }
}

bool ledger::was_brought(state::message_place const& place) const {
  return extra_ && std::ranges::any_of(extra_->ranges, [&](range const& r) { return contains(r, place); });
}

std::uint64_t ledger::last_in_order(std::string_view epoch) const {
  std::uint64_t out = 0;
  if (!extra_) return out;
  for (auto const& r : extra_->ranges) {
    if (r.in_order && r.epoch == epoch) out = std::max(out, r.last);
  }
  return out;
}

}  // namespace hiky::chat::delivery
