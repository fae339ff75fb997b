// SPDX-License-Identifier: Apache-2.0
#include "chat/delivery/ledger.hpp"

#include <algorithm>
#include <limits>

namespace hiky::chat::delivery {

namespace {
// Of one connection; beyond that the oldest are forgotten, and a message of theirs could come twice with the same
// messageId.
constexpr std::size_t most_ranges = 1024;
// Of what has lapsed. Beyond that, those of a room become one, with what lies between: that could come twice as well.
constexpr std::size_t most_lapsed = 64;

constexpr auto all_of_it = std::numeric_limits<std::uint64_t>::max();

bool contains(ledger::range const& r, state::message_place const& place) {
  return place.seq >= r.first && place.seq <= r.last && place.epoch == r.epoch;
}
}  // namespace

ledger::entry const* ledger::find(std::string_view room) const {
  auto const found = std::ranges::find_if(rooms_, [&](entry const& e) { return *e.room->name == room; });
  return found == rooms_.end() ? nullptr : &*found;
}

ledger::entry& ledger::enter(stream& room, bool open, std::int64_t since_ms) {
  auto& e =
      rooms_.emplace_back(entry{.room = &room, .seat = 0, .open = open ? 1U : 0U, .ahead = 0, .since_ms = since_ms});
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

void ledger::lapse(std::size_t index, std::optional<standing> const& upto) {
  auto const& e = rooms_[index];
  auto const& last = e.room->last;
  auto owed = debt_of(e);
  if (e.first != 0 && owed.confirmed.seq < last.seq)
    owe({owed.room, std::exchange(owed.confirmed, last), last.seq}, true);
  // And what has not come: of a room whose messages never did, it is known by time alone.
  if (!upto) return owe(std::move(owed), false);
  if (upto->last.epoch == last.epoch ? upto->last.seq <= last.seq : upto->last.seq == 0) return;
  owed.to = upto->last.seq;
  if (last.epoch.empty()) owed.to = static_cast<std::uint64_t>(upto->until_ms);
  else if (upto->last.epoch != last.epoch) owed.confirmed = {upto->last.epoch, 0};
  owe(std::move(owed), false);
}

// Joins it up with what it touches, unless a ping asks for that already.
void ledger::owe(debt owed, bool given) {
  auto& lapsed = more().lapsed;
  auto const end = [](debt const& one) { return one.to == 0 ? std::numeric_limits<std::uint64_t>::max() : one.to; };
  auto const joins = [&](extra::lapsed_debt const& each) {
    auto const& other = each.owed;
    if (each.given != given || other.room != owed.room || other.confirmed.epoch != owed.confirmed.epoch) return false;
    return lapsed.size() >= most_lapsed ||
           (!each.asked && other.confirmed.seq <= end(owed) && owed.confirmed.seq <= end(other));
  };
  for (auto it = std::ranges::find_if(lapsed, joins); it != lapsed.end(); it = std::ranges::find_if(lapsed, joins)) {
    owed.confirmed.seq = std::min(owed.confirmed.seq, it->owed.confirmed.seq);
    owed.to = end(owed) < end(it->owed) ? it->owed.to : owed.to;
    lapsed.erase(it);
  }
  lapsed.push_back({std::move(owed), given});
  unconfirmed_ |= given;
}

// Messages that had not come when the room lapsed are owed up to here; later ones are the entry's.
void ledger::hears_again(entry const& e) {
  auto const& last = e.room->last;
  std::erase_if(extra_->lapsed, [&](extra::lapsed_debt& each) {
    auto& owed = each.owed;
    if (each.given || owed.room != *e.room->name || owed.confirmed.epoch.empty()) return false;
    if (owed.confirmed.epoch != last.epoch && owed.to != 0) return false;
    if (owed.confirmed.epoch != last.epoch) owed.confirmed = {last.epoch, 0};
    owed.to = owed.to == 0 ? last.seq - 1 : std::min(owed.to, last.seq - 1);
    return owed.to <= owed.confirmed.seq;
  });
  tidy();
}

void ledger::sent_aside(std::string const& room, range r) {
  owe({room, {r.epoch, r.first - 1}, r.last}, true);
  brought(std::move(r));
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

bool ledger::has(state::message_place const& place) const {
  if (was_brought(place)) return true;
  if (waits(place)) return false;
  return std::ranges::any_of(rooms_, [&](entry const& e) {
    return e.first != 0 && place.seq <= e.room->last.seq && place.seq >= full(e, e.first) &&
           place.epoch == e.room->last.epoch;
  });
}

std::uint64_t ledger::last_in_order(std::string_view epoch) const {
  std::uint64_t out = 0;
  if (!extra_) return out;
  for (auto const& r : extra_->ranges) {
    if (r.in_order && r.epoch == epoch) out = std::max(out, r.last);
  }
  return out;
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

// Frames that wait are behind no ping.
void ledger::asked(std::uint32_t ping) {
  if (ping_ != 0 || !unconfirmed_ || holds()) return;
  ping_ = ping;
  since_ask_ = 0;
  for (auto& e : rooms_) e.asked = static_cast<std::uint32_t>(e.room->last.seq);
  if (extra_) {
    for (auto& each : extra_->lapsed) each.asked = true;
  }
}

void ledger::answered(std::uint32_t ping) {
  if (ping_ == 0 || static_cast<std::int32_t>(ping - ping_) < 0) return;
  ping_ = 0;
  unconfirmed_ = since_ask_ > 0;
  for (auto& e : rooms_) e.confirmed = e.asked;
  if (!extra_) return;
  std::erase_if(extra_->lapsed, [](auto const& each) { return each.asked && each.given; });
  unconfirmed_ |= std::ranges::any_of(extra_->lapsed, &extra::lapsed_debt::given);
  tidy();
}

std::uint64_t ledger::unconfirmed_messages() const {
  std::uint64_t out = 0;
  for (auto const& e : rooms_) {
    if (e.first != 0) out += static_cast<std::uint32_t>(static_cast<std::uint32_t>(e.room->last.seq) - e.confirmed);
  }
  return out;
}

std::vector<ledger::debt> ledger::debts() const {
  std::vector<debt> out;
  out.reserve(rooms_.size());
  for (auto const& e : rooms_) out.push_back(debt_of(e));
  if (extra_) {
    for (auto const& each : extra_->lapsed) out.push_back(each.owed);
  }
  return out;
}

// Where nothing came, the room stands where it stood when the connection entered it.
ledger::debt ledger::debt_of(entry const& e) {
  auto const& last = e.room->last;
  if (last.epoch.empty()) return {*e.room->name, {{}, static_cast<std::uint64_t>(e.since_ms)}};
  return {*e.room->name, {last.epoch, e.first == 0 ? last.seq : full(e, e.confirmed)}};
}

std::vector<ledger::range> ledger::given() const {
  std::vector<range> out;
  if (extra_) {
    for (auto const& r : extra_->ranges) {
      if (r.in_order) out.push_back(r);
    }
  }
  if (holds()) return out;  // some of what came over the bus still waits
  for (auto const& e : rooms_) {
    if (e.first == 0) continue;
    range live{e.room->last.epoch, full(e, e.first), e.room->last.seq};
    // Replay that the live messages went on behind.
    std::erase_if(out, [&](range const& r) {
      if (r.epoch != live.epoch || live.first < r.first || live.first > r.last + 1) return false;
      live.first = r.first;
      live.last = std::max(live.last, r.last);
      return true;
    });
    out.push_back(std::move(live));
  }
  return out;
}

}  // namespace hiky::chat::delivery
