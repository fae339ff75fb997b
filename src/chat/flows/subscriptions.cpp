// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/subscriptions.hpp"

#include <algorithm>
#include <optional>
#include <ranges>
#include <span>

#include "chat/protocol/frame_type.hpp"
#include "chat/protocol/protocol.hpp"

namespace hiky::chat {

namespace {
// A user may belong to thousands. Other sessions of the worker do not wait for them.
constexpr std::size_t rooms_at_once = 500;
}  // namespace

task<result<void>> subscriptions::subscribe(session& s, std::vector<room_id> rooms, std::int64_t since_ms) {
  std::vector<room_id> fresh;
  for (auto const& room : rooms) {
    if (!hub_.subscribed(room)) fresh.push_back(room);
  }
  for (auto const& room : rooms) hub_.enter(s, room, false, since_ms);
  if (fresh.empty()) co_return result<void>{};
  for (auto left = std::span<room_id const>{fresh}; !left.empty();) {
    auto const some = left.first(std::min(left.size(), rooms_at_once));
    left = left.subspan(some.size());
    auto const subscribed = co_await bus_.subscribe(worker_, {some.begin(), some.end()});
    if (!subscribed) co_return subscribed;
    for (auto const& room : some) hub_.set_subscribed(room);
  }
  co_return result<void>{};
}

task<> subscriptions::begin(std::vector<room_id> rooms, std::vector<state::message_place> places) {
  for (std::size_t from = 0; from < rooms.size(); from += rooms_at_once) {
    auto const part = [&](auto const& all) {
      return std::ranges::subrange(all.begin() + from, all.begin() + std::min(from + rooms_at_once, all.size()));
    };
    auto const some = part(rooms);
    auto const their_places = part(places);
    co_await bus_.begin_subscribing(worker_, {some.begin(), some.end()}, {their_places.begin(), their_places.end()});
  }
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
