// SPDX-License-Identifier: Apache-2.0
// The rooms to which a session is subscribed: begins and ends subscriptions, and tells the client of a change that it
// did not ask for. One per worker.
#pragma once
#include <cstdint>
#include <vector>

#include "chat/bus/bus.hpp"
#include "chat/hub.hpp"
#include "chat/session.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

enum class room_change : std::uint8_t { added, removed };

class subscriptions {
 public:
  subscriptions(std::size_t worker, hub& here, bus& channel, state::store& store)
      : worker_(worker), hub_(here), bus_(channel), store_(store) {}

  // When this returns, the session is subscribed to `rooms`. Redis is asked only for rooms to which no session of this
  // worker is subscribed yet.
  task<result<void>> subscribe(session& s, std::vector<room_id> rooms, std::int64_t since_ms = 0);
  // Begins to subscribe to rooms to which no session of this worker is subscribed, see bus::begin_subscribing.
  // `subscribe` awaits it.
  task<> begin(std::vector<room_id> rooms, std::vector<state::message_place> places);
  // Leaves the rooms that the session's token does not allow any more.
  task<> leave_forbidden(session_ptr s);
  // Called just before the rooms of a session change that did not ask for the change: a client with `events` is told.
  void tell(session& s, room_id const& room, room_change what);

 private:
  std::size_t worker_;
  hub& hub_;
  bus& bus_;
  state::store& store_;
};

}  // namespace hiky::chat
