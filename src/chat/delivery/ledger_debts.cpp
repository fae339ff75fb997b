// SPDX-License-Identifier: Apache-2.0
// Part of ledger: what pongs have confirmed, what is owed when the connection ends, and what it was given.
#include <algorithm>
#include <limits>

#include "chat/delivery/ledger.hpp"

namespace hiky::chat::delivery {

namespace {

// Of what has lapsed. Beyond that, those of a room become one, with what lies between: that could come twice as well.
constexpr std::size_t most_lapsed = 64;

}  // namespace

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
