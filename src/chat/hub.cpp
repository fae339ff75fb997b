// SPDX-License-Identifier: Apache-2.0
#include "chat/hub.hpp"

#include <algorithm>

namespace hiky::chat {

namespace {
// Messages to one connection, before it is asked for a receipt however lately it was.
constexpr std::uint32_t many_unconfirmed = 128;
constexpr std::uint32_t receipt_every_ms = 3000,
                        receipt_spread_ms = 2048;  // spread, so that not everybody answers at the same time
// Looks in a row (ask_receipts) at which no further message had come to a session, until it is asked. One is too few:
// in a busy room such pauses are common, and each ping in a pause is a packet of its own.
constexpr std::uint8_t quiet_looks = 2;
}  // namespace

void hub::attach(session& s) { users_[s.user.str()].push_back(&s); }

void hub::detach(session& s) {
  while (!s.ledger.rooms().empty()) remove_from(s, s.ledger.rooms().size() - 1);
  auto const found = users_.find(std::string_view{s.user});
  if (found == users_.end()) return;
  std::erase(found->second, &s);
  if (found->second.empty()) users_.erase(found);
}

bool hub::subscribed(room_id const& r) const {
  auto const found = rooms_.find(std::string_view{r});
  return found != rooms_.end() && found->second.subscribed;
}

void hub::set_subscribed(room_id const& r) {
  if (auto const found = rooms_.find(std::string_view{r}); found != rooms_.end()) found->second.subscribed = true;
}

std::size_t hub::mailboxes_of(room_id const& r) const {
  auto const found = rooms_.find(std::string_view{r});
  return found == rooms_.end() ? 0 : found->second.mailboxes;
}

void hub::set_mailboxes(room_id const& r, std::size_t filled) {
  if (auto const found = rooms_.find(std::string_view{r}); found != rooms_.end()) found->second.mailboxes = filled;
}

bool hub::subscribed_to_all(session const& s) {
  return std::ranges::all_of(s.ledger.rooms(), [](delivery::ledger::entry const& e) { return room_of(e).subscribed; });
}

// The shorter list is walked: a session may be in many rooms, and a room may have many sessions.
std::optional<std::size_t> hub::index_of(session const& s, room const& here) {
  auto const& rooms = s.ledger.rooms();
  if (here.sessions.size() < rooms.size()) {
    auto const member = std::ranges::find(here.sessions, &s, &room::member::who);
    return member == here.sessions.end() ? std::nullopt : std::optional<std::size_t>{member->index};
  }
  auto const found = std::ranges::find(rooms, &here, &delivery::ledger::entry::room);
  return found == rooms.end() ? std::nullopt : std::optional{static_cast<std::size_t>(found - rooms.begin())};
}

std::optional<std::size_t> hub::index_of(session const& s, room_id const& r) const {
  auto const found = rooms_.find(std::string_view{r});
  return found == rooms_.end() ? std::nullopt : index_of(s, found->second);
}

void hub::enter(session& s, room_id const& r, bool joined, std::int64_t since_ms) {
  auto const found = rooms_.try_emplace(r.str()).first;
  auto& here = found->second;
  here.name = &found->first;
  if (auto const index = index_of(s, here)) {
    if (joined) s.ledger.at(*index).open = 1;
    return;
  }
  s.ledger.enter(here, joined, since_ms).seat = static_cast<std::uint32_t>(here.sessions.size());
  here.sessions.push_back({&s, static_cast<std::uint32_t>(s.ledger.rooms().size() - 1)});
}

void hub::set_since(session& s, room_id const& r, std::int64_t since_ms) {
  if (auto const index = index_of(s, r)) s.ledger.at(*index).since_ms = since_ms;
}

void hub::set_untold(session& s, room_id const& r, bool untold) {
  if (auto const index = index_of(s, r)) s.ledger.at(*index).untold = untold ? 1 : 0;
}

void hub::leave(session& s, room_id const& r) {
  if (auto const index = index_of(s, r)) remove_from(s, *index);
}

void hub::retract(session& s, room_id const& r) {
  auto const index = index_of(s, r);
  if (!index) return;
  s.ledger.retract(*index);
  remove_from(s, *index);
}

void hub::lapse(session& s, room_id const& r, std::optional<delivery::ledger::standing> const& upto) {
  auto const index = index_of(s, r);
  if (!index) return;
  s.ledger.lapse(*index, upto);
  expect_receipt(s);
  remove_from(s, *index);
}

void hub::sent_aside(session& s, room_id const& r, delivery::ledger::range messages) {
  s.ledger.sent_aside(r.str(), std::move(messages));
  expect_receipt(s);
}

// Both vectors swap with their last, and each tells the other side of the one that moved: no search, whatever the
// room's size.
void hub::remove_from(session& s, std::size_t index_in_session) {
  auto const gone = s.ledger.rooms()[index_in_session];
  auto& sessions = room_of(gone).sessions;
  sessions[gone.seat] = sessions.back();
  sessions[gone.seat].who->ledger.at(sessions[gone.seat].index).seat = gone.seat;
  sessions.pop_back();

  s.ledger.leave(index_in_session);
  if (index_in_session < s.ledger.rooms().size()) {
    auto const& moved = s.ledger.rooms()[index_in_session];
    room_of(moved).sessions[moved.seat].index = static_cast<std::uint32_t>(index_in_session);
  }
  if (!sessions.empty()) return;
  room_id const name{*gone.room->name};
  rooms_.erase(rooms_.find(std::string_view{name}));
  if (on_empty_) on_empty_(name);
}

state::message_place hub::last_of(room_id const& r) const {
  auto const found = rooms_.find(std::string_view{r});
  return found == rooms_.end() ? state::message_place{} : found->second.last;
}

std::vector<session*> const* hub::sessions_of(std::string_view user) const {
  auto const found = users_.find(user);
  return found == users_.end() ? nullptr : &found->second;
}

std::vector<session_ptr> hub::registered_sessions() const {
  std::vector<session_ptr> out;
  for (auto const& [user, sessions] : users_) {
    for (auto* s : sessions) {
      if (s->registered) out.emplace_back(s);
    }
  }
  return out;
}

std::vector<session_ptr> hub::some_sessions(double& from, double share) const {
  std::vector<session_ptr> out;
  auto const buckets = static_cast<double>(users_.bucket_count());
  auto const to = from + share;
  for (auto b = static_cast<std::size_t>(from * buckets); b < static_cast<std::size_t>(std::min(to, 1.0) * buckets);
       ++b) {
    for (auto one = users_.begin(b); one != users_.end(b); ++one) {
      for (auto* s : one->second) {
        if (s->registered) out.emplace_back(s);
      }
    }
  }
  from = to >= 1 ? 0 : to;
  return out;
}

// A client that vanishes, or closes while the message is under way, has perhaps not received it. A pong shows what it
// has.
void hub::hand_message(session& s, frame_ptr frame) {
  s.send(std::move(frame), traffic::chat);
  s.ledger.handed();
  expect_receipt(s);
  if (!s.ledger.asks() && receipt_is_due(s)) ask(s);
}

void hub::expect_receipt(session& s) {
  if (!s.ledger.unconfirmed() || s.receipt->due) return;
  s.receipt.mine().due = true;
  receipts_.emplace_back(&s);
}

void hub::ask(session& s) {
  s.receipt.mine().asked_ms = now_ms_;
  s.receipt.mine().unasked = 0;
  s.receipt.mine().quiet = 0;
  s.ask_receipt();
}

bool hub::receipt_is_due(session const& s) const {
  auto const spread = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&s) >> 6) % receipt_spread_ms;
  return s.ledger.since_ask() >= many_unconfirmed || now_ms_ - s.receipt->asked_ms >= receipt_every_ms + spread;
}

void hub::ask_receipts(std::uint32_t now_ms, std::size_t portions) {
  now_ms_ = now_ms;
  if (next_receipt_ >= receipts_.size()) next_receipt_ = 0;
  for (auto left = (receipts_.size() + portions - 1) / portions; left > 0 && next_receipt_ < receipts_.size(); --left) {
    auto const s = receipts_[next_receipt_];
    auto& receipt = s->receipt.mine();
    receipt.due = !s->gone && s->ledger.unconfirmed();
    if (!receipt.due) {
      receipts_[next_receipt_] = std::move(receipts_.back());
      receipts_.pop_back();
      continue;
    }
    bool const still = std::exchange(receipt.unasked, s->ledger.since_ask()) == s->ledger.since_ask();
    receipt.quiet = still ? std::min<std::uint8_t>(receipt.quiet + 1, quiet_looks) : 0;
    bool const asks = receipt.quiet == quiet_looks || receipt_is_due(*s);
    if (asks && !s->ledger.asks() && !s->ledger.holds()) ask(*s);
    ++next_receipt_;
  }
}

void hub::release(session& s) {
  for (auto& waited : s.ledger.release()) {
    if (waited.place.seq != 0) hand_message(s, std::move(waited.frame));
    else s.send(std::move(waited.frame), waited.kind);
  }
}

}  // namespace hiky::chat
