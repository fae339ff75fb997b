// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/subscriptions.hpp"

#include <algorithm>
#include <optional>

#include "chat/protocol/frame_type.hpp"
#include "chat/protocol/protocol.hpp"

namespace hiky::chat {

task<result<void>> subscriptions::subscribe(session& s, std::vector<room_id> rooms, std::int64_t since_ms) {
  std::vector<room_id> fresh;
  for (auto const& room : rooms) {
    if (!hub_.subscribed(room)) fresh.push_back(room);
  }
  for (auto const& room : rooms) hub_.enter(s, room, false, since_ms);
  if (fresh.empty()) co_return result<void>{};
  auto const subscribed = co_await bus_.subscribe(worker_, fresh);
  if (subscribed) {
    for (auto const& room : fresh) hub_.set_subscribed(room);
  }
  co_return subscribed;
}

task<> subscriptions::begin(std::vector<room_id> rooms, std::vector<state::message_place> places) {
  co_await bus_.begin_subscribing(worker_, std::move(rooms), std::move(places));
}

// In such a room Redis takes the user of the connection for absent: messages that it published before still come here,
// and all later messages wait for another connection.
task<> subscriptions::leave_forbidden(session_ptr s) {
  auto const forbidden = [&](delivery::ledger::entry const& e) {
    return s->grant && !s->grant->allows(room_id{*e.room->name});
  };
  if (std::ranges::none_of(s->ledger.rooms(), forbidden)) co_return;
  bool const all_came = co_await bus_.catch_up(worker_);
  // Messages that do not come for now are owed, up to the places of the rooms in Redis.
  result<state::user_places> places;
  if (!all_came) places = co_await store_.members.places(s->user);
  std::vector<room_id> lost;
  for (auto const& e : s->ledger.rooms()) {
    if (forbidden(e)) lost.emplace_back(*e.room->name);
  }
  for (auto const& room : lost) {
    std::optional<delivery::ledger::standing> upto;
    if (all_came) upto = {hub_.last_of(room)};
    else if (places) {
      auto const found = std::ranges::find(places->rooms, room, &std::pair<room_id, state::message_place>::first);
      if (found != places->rooms.end()) upto = {found->second, std::max(places->now_ms, places->newest_ms) + 1};
    }
    hub_.lapse(*s, room, upto);
  }
}

void subscriptions::tell(session& s, room_id const& room, room_change what) {
  bool const added = what == room_change::added;
  auto const* const in = s.ledger.find(room);
  if (!s.extended || (in != nullptr) == added || (in && in->untold)) return;
  auto frame = text_frame(added ? room_added(room) : room_removed(room));
  if (s.ledger.holds()) s.hold_back(std::move(frame), traffic::chat);
  else s.send(std::move(frame), traffic::chat);
}

}  // namespace hiky::chat
