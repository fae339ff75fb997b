// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/comparison.hpp"

#include <algorithm>
#include <string_view>

#include "base/log.hpp"
#include "chat/flows/common.hpp"

namespace hiky::chat {

namespace {

bool was_kicked(session const& s, state::seen_by_redis const& seen) {
  return seen.kick != 0 && seen.kick != s.began->kick;
}

}  // namespace

bool agrees(session const& s, state::seen_by_redis const& seen) {
  if (!seen.known || seen.kept_out_s > 0 || was_kicked(s, seen)) return false;
  if ((seen.mail > 0 && !s.mail->unconfirmed && !s.mail->waits) || s.mail->unclaimed) return false;
  std::vector<std::string_view> here, there;
  for (auto const& e : s.ledger.rooms()) here.emplace_back(*e.room->name);
  for (auto const& room : seen.rooms) {
    if (!s.grant || s.grant->allows(room)) there.emplace_back(room);
  }
  if (here.size() != there.size() || !hub::subscribed_to_all(s)) return false;
  std::ranges::sort(here);
  std::ranges::sort(there);
  return here == there;
}

comparison::comparison(state::store& store, hub& here, data_losses const& losses, assertions& asserted, endings& ends,
                       subscriptions& heard, late_entry& late, mail_flow& mail, announced_entries& entered)
    : store_(store),
      hub_(here),
      losses_(losses),
      assertions_(asserted),
      endings_(ends),
      subscriptions_(heard),
      late_entry_(late),
      mail_(mail),
      entries_(entered) {}

// An answer may be older than a notice that comes meanwhile. Then Redis is asked anew. The last answer is acted on all
// the same: otherwise a user whose rooms change all the time would never lose a room. The next comparison gives back a
// room that such an answer takes wrongly.
task<bool> comparison::compare(session_ptr s) {
  for (int round = 1;; ++round) {
    auto const is_right = co_await compare_once(s, round >= most_rounds);
    if (is_right && *is_right) entries_.forget(*s);
    if (is_right) co_return *is_right;
  }
}

task<std::optional<bool>> comparison::compare_once(session_ptr s, bool last) {
  auto const notices = *s->notices;
  auto const outdated = [&] { return notices != *s->notices; };
  auto const before = rooms_of(*s);
  auto const found = co_await store_.connections.compare({{s->user, s->id}});
  if (s->gone || !s->registered) co_return true;
  if (!found) {
    if (is_transient(found.error())) co_return false;
    log::error("session.not_compared", {{"connection", s->id.str()},
                                        {"trace", s->trace_id()},
                                        {"user", s->user.str()},
                                        {"reason", found.error().text}});
    co_return true;  // with the next round
  }
  if (outdated() && !last) co_return std::nullopt;
  auto const& seen = found->seen.front();
  if (dismiss(*s, seen)) co_return true;
  if (!seen.known || losses_.forgotten(*s)) {
    data_losses::withdraw(*s);
    auto const asserted = co_await assertions_.assert_session(s);
    if (!asserted) co_return !is_transient(asserted.error());
    if (s->gone) co_return true;
    co_return std::nullopt;
  }
  co_await subscriptions_.leave_forbidden(s);
  if (s->gone) co_return true;
  leave_rooms(*s, seen, before, outdated());
  bool const entered = co_await enter_rooms(s, permitted(*s, seen.rooms), found->now_ms);
  if (s->gone) co_return true;
  if (!entered) co_return false;
  if (outdated()) co_return last ? std::optional{false} : std::nullopt;
  note_compared(*s, found->now_ms);
  if (seen.mail > 0 || s->mail->unclaimed) mail_.fetch(*s);
  co_return true;
}

// True when the user is banned, or was kicked since the session began.
bool comparison::dismiss(session& s, state::seen_by_redis const& seen) {
  if (seen.kept_out_s <= 0 && !was_kicked(s, seen)) return false;
  auto const reason = seen.kept_out_s > 0 ? state::ban_reason : state::kick_reason;
  endings_.dismiss(s, {.code = state::close_forbidden, .reason = std::string{reason}});
  return true;
}

void comparison::leave_rooms(session& s, state::seen_by_redis const& seen, std::vector<room_id> const& before,
                             bool outdated) {
  for (auto const& room : without(rooms_of(s), seen.rooms)) {
    if (std::ranges::find(before, room) == before.end()) continue;  // entered since: the answer does not know of it
    subscriptions_.tell(s, room, room_change::removed);
    if (outdated) hub_.lapse(s, room, delivery::ledger::standing{hub_.last_of(room)});
    else hub_.leave(s, room);
  }
}

// False when Redis could not be asked for one of them.
task<bool> comparison::enter_rooms(session_ptr s, std::vector<room_id> rooms, std::int64_t now_ms) {
  for (auto const& room : rooms) {
    if (hub_.in(*s, room) && hub_.subscribed(room)) continue;
    // The session may be in a room to which this worker is not subscribed: the room was empty for a moment, and the bus
    // was told so; or the subscription is about to begin. No message of the room from before the session entered it is
    // owed.
    auto const* const in = s->ledger.find(room);
    auto const announced_ms = in ? in->since_ms : entries_.since(*s, room);
    auto const since_ms = announced_ms > 0 ? announced_ms : *s->compared_ms > 0 ? *s->compared_ms : now_ms;
    auto const entered = co_await late_entry_.enter(s, room, since_ms, now_ms);
    if (s->gone) co_return true;
    if (entered) continue;
    log::warn("session.half_heard", {{"connection", s->id.str()},
                                     {"trace", s->trace_id()},
                                     {"room", room.str()},
                                     {"reason", entered.error().text}});
    if (is_transient(entered.error())) co_return false;
  }
  co_return true;
}

}  // namespace hiky::chat
