// SPDX-License-Identifier: Apache-2.0
#include "chat/delivery/ledger.hpp"

#include <algorithm>

namespace hiky::chat::delivery {

ledger::entry const* ledger::find(std::string_view room) const {
  auto const found = std::ranges::find_if(rooms_, [&](entry const& e) { return *e.room->name == room; });
  return found == rooms_.end() ? nullptr : &*found;
}

ledger::entry& ledger::enter(stream& room, bool open, std::int64_t since_ms) {
  auto& e = rooms_.emplace_back(
      entry{.room = &room, .seat = 0, .open = open ? 1U : 0U, .untold = 0, .ahead = 0, .since_ms = since_ms});
  if (extra_ && !extra_->ranges.empty()) {
    // Something of the room may have come by other means already; and of one that is new here, the epoch is not known
    // yet.
    e.ahead = 1;
  }
  return e;
}

// A message that came over the bus and has been sent is had for good, whatever becomes of the entry. Frames that wait
// have not been sent.
void ledger::keep(entry const& e) {
  if (e.first == 0) return;
  auto last = e.room->last.seq;
  if (extra_) {
    for (auto const& f : extra_->waiting) {
      if (f.place.epoch == e.room->last.epoch) last = std::min(last, f.place.seq - 1);
    }
  }
  brought({e.room->last.epoch, full(e, e.first), last});
}

void ledger::leave(std::size_t index) {
  keep(rooms_[index]);
  if (index + 1 < rooms_.size()) rooms_[index] = rooms_.back();
  rooms_.pop_back();
}

void ledger::retract(std::size_t index) {
  auto& e = rooms_[index];
  if (!extra_ || e.first == 0) return;
  std::erase_if(extra_->waiting, [&](waiting_frame const& f) {
    bool const its = f.place.seq != 0 && f.place.epoch == e.room->last.epoch;
    if (its) extra_->waiting_bytes -= f.frame->bytes().size();
    return its;
  });
  e.first = 0;
}

void ledger::renumber(entry& e) {
  keep(e);
  if (extra_ && !holds())
    std::erase_if(extra_->begins, [&](auto const& named) { return named.epoch == e.room->last.epoch; });
  e.first = e.confirmed = e.asked = 0;
}

bool ledger::takes(entry& e, bool own) {
  auto const& last = e.room->last;
  if (e.ahead != 0 && is_before_begin(last)) return false;
  auto const before = static_cast<std::uint32_t>(last.seq - 1);
  if (e.first == 0) {
    e.first = std::max(before + 1, 1U);
    e.confirmed = e.asked = before;
    if (extra_) hears_again(e);
  }
  if (own && e.confirmed == before) e.confirmed = e.asked = before + 1;  // nobody owes it
  if (e.ahead != 0 && !holds()) {
    if (was_brought(last)) return false;
    absorb(e);
  }
  return !own;
}

// The bus has gone beyond what came by other means, or some of it. A range that joins up with it becomes part of the
// entry.
void ledger::absorb(entry& e) {
  if (!extra_) {  // it was another room's, and has become part of that one's entry
    e.ahead = 0;
    return;
  }
  auto const& last = e.room->last;
  bool further = false;
  std::erase_if(extra_->ranges, [&](range const& r) {
    if (r.epoch != last.epoch) return false;
    further |= r.last > last.seq;
    auto const first = full(e, e.first);
    if (!r.in_order || r.last > last.seq || first < r.first || first > r.last + 1) return false;
    e.first = static_cast<std::uint32_t>(r.first);
    return true;
  });
  std::erase_if(extra_->begins, [&](auto const& named) { return named.epoch == last.epoch && named.seq <= last.seq; });
  if (!further) e.ahead = 0;
  tidy();
}

bool ledger::has(state::message_place const& place) const {
  if (was_brought(place)) return true;
  if (waits(place)) return false;
  return std::ranges::any_of(rooms_, [&](entry const& e) {
    return e.first != 0 && place.seq <= e.room->last.seq && place.seq >= full(e, e.first) &&
           place.epoch == e.room->last.epoch;
  });
}

std::uint64_t ledger::live_from(std::string_view room, std::string_view epoch) const {
  auto const* const e = find(room);
  return e && e->first != 0 && e->room->last.epoch == epoch ? full(*e, e->first) : 0;
}

bool ledger::will_come(std::string_view room, state::message_place const& place) const {
  auto const* const e = find(room);
  return e && e->room->last.epoch == place.epoch && place.seq > e->room->last.seq && !was_brought(place) &&
         !is_before_begin(place);
}

void ledger::hold() { more().holding = true; }

void ledger::wait(waiting_frame frame) {
  extra_->waiting_bytes += frame.frame->bytes().size();
  extra_->waiting.push_back(std::move(frame));
}

std::vector<ledger::waiting_frame> ledger::release() {
  if (!holds()) return {};
  extra_->holding = false;
  extra_->waiting_bytes = 0;
  auto out = std::exchange(extra_->waiting, {});
  std::erase_if(out, [&](waiting_frame const& f) {
    return f.place.seq != 0 && (was_brought(f.place) || is_before_begin(f.place));
  });
  // Of an epoch that is lost and over, nothing more can come.
  auto const comes = [&](std::string const& epoch) {
    return std::ranges::any_of(rooms_, [&](entry const& e) { return e.room->last.epoch == epoch; });
  };
  std::erase_if(extra_->begins, [&](auto const& named) { return named.seq == all_of_it && !comes(named.epoch); });
  // Of a room that was left meanwhile, or whose epoch is over, no entry tells of them.
  for (auto const& f : out) {
    if (f.place.seq != 0 && !has(f.place)) brought({f.place.epoch, f.place.seq, f.place.seq});
  }
  tidy();
  return out;
}

void ledger::discard() {
  if (!extra_) return;
  extra_->holding = false;
  extra_->waiting.clear();
  extra_->waiting_bytes = 0;
  tidy();
}

void ledger::tidy() {
  if (extra_->ranges.empty() && extra_->waiting.empty() && extra_->claimed.empty() && extra_->begins.empty() &&
      extra_->lapsed.empty() && !extra_->holding)
    extra_.reset();
}

}  // namespace hiky::chat::delivery
