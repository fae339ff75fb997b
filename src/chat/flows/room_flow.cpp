// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/room_flow.hpp"

#include <fmt/format.h>

#include <chrono>

namespace hiky::chat {

namespace {

constexpr std::size_t page_bytes = 64 * 1024;  // of what a join brings

std::int64_t wall_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

room_flow::room_flow(state::store& store, hub& here, room_policy& door, subscriptions& heard, recoveries& logs,
                     doubts& doubtful, typing_flow& typing, answers& out, flow_limits const& limits, counters& count)
    : store_(store),
      hub_(here),
      door_(door),
      subscriptions_(heard),
      recoveries_(logs),
      doubts_(doubtful),
      typing_(typing),
      answers_(out),
      limits_(limits),
      count_(count) {}

task<> room_flow::join(session_ptr s, std::optional<std::string> id, join_room r) {
  auto const room = r.room;
  if (s->ledger.rooms().size() >= limits_.rooms_per_connection && !hub_.in(*s, room)) {
    count_.rooms_limited.add();
    co_return answers_.refuse(
        *s,
        {error_code::forbidden,
         fmt::format("at most {} rooms per connection; leave one first", limits_.rooms_per_connection), std::move(id)});
  }
  if (!co_await may_enter(s, id, room)) co_return;
  bool const was_in = hub_.in(*s, room);
  // Messages of the room wait while its past is being read, or they would be told twice.
  if (r.since) s->ledger.hold();
  bool const entered = co_await enter(s, std::move(id), std::move(r));
  if (!entered && !was_in) hub_.leave(*s, room);
  if (!entered) doubts_.add(*s);  // Redis may have taken it all the same
  hub_.release(*s);
}

task<bool> room_flow::may_enter(session_ptr s, std::optional<std::string> id, room_id room) {
  auto const may = co_await door_.may_join(s->user, std::move(room));
  bool const refused = !may && may.error().code == errc::invalid_argument;
  auto const judged = may ? room_judgement::allowed : refused ? room_judgement::refused : room_judgement::unjudged;
  count_.room_entries[static_cast<std::size_t>(judged)].add();
  if (may) co_return true;
  if (refused) answers_.refuse(*s, {error_code::forbidden, may.error().text, std::move(id)});
  else
    answers_.refuse(*s, {error_code::unavailable,
                         "whether you may enter can't be found out right now; try again in a moment", std::move(id)});
  co_return false;
}

task<bool> room_flow::enter(session_ptr s, std::optional<std::string> id, join_room r) {
  bool const was_in = hub_.in(*s, r.room);
  auto const subscribed = co_await subscriptions_.subscribe(*s, {r.room}, wall_ms());
  if (!subscribed) co_return answers_.refuse(*s, std::move(id), subscribed.error()), false;
  auto const now_in = co_await store_.members.join(s->user, r.room, s->id, limits_.participants_shown,
                                                   {.was_in = was_in, .quiet = s->returning});
  if (!now_in) co_return answers_.refuse(*s, std::move(id), now_in.error()), false;
  if (!was_in) hub_.set_since(*s, r.room, now_in->at_ms);
  std::optional<recovery> missed;
  if (r.since) {
    auto found = co_await recoveries_.recover(r.room, *r.since, {limits_.joined_messages, page_bytes, page_bytes});
    if (!found) co_return answers_.refuse(*s, std::move(id), found.error()), true;
    note_recovery(*s, *r.since, *found, false);
    missed = std::move(*found);
  }
  // The user left the room by another way meanwhile; perhaps the bus was told that nobody is here.
  if ((was_in && !hub_.in(*s, r.room)) || !hub_.subscribed(r.room)) doubts_.add(*s);
  hub_.enter(*s, r.room, true, now_in->at_ms);
  if (now_in->participant_count > static_cast<std::int64_t>(now_in->participants.size()))
    count_.participants_truncated.add();
  answers_.send_charged(
      *s, joined_room(id, r.room, now_in->participants, now_in->participant_count, missed ? &*missed : nullptr));
  if (missed && !missed->recovered && s->extended) answers_.send(*s, gap(*missed));
  co_return true;
}

task<> room_flow::leave(session_ptr s, std::optional<std::string> id, room_id room) {
  typing_.forget(s->user, room);  // leave.lua ends the mark
  s->leaving.mine() = &room;
  auto const left = co_await store_.members.leave(s->user, room);
  s->leaving.mine() = nullptr;
  if (!left) {
    doubts_.add(*s);  // Redis may have taken it all the same
    co_return answers_.refuse(*s, std::move(id), left.error());
  }
  hub_.leave(*s, room);
  answers_.send(*s, left_room(id, room));
}

}  // namespace hiky::chat
