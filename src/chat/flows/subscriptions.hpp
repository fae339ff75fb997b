// SPDX-License-Identifier: Apache-2.0
// Which rooms a session hears: begun, given up, and told to its client when it did not ask for that. One per worker.
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

  // The session hears `rooms` when this returns; Redis is asked only for those that nobody on this worker hears yet.
  task<result<void>> subscribe(session& s, std::vector<room_id> rooms, std::int64_t since_ms = 0);
  // Begins that for rooms that nobody on this worker hears: what is said behind `places` comes from the log, if need
  // be. `subscribe` awaits it.
  task<> begin(std::vector<room_id> rooms, std::vector<state::message_place> places, bus::since which);
  // The rooms that the session's token does not allow any more.
  task<> leave_forbidden(session_ptr s);
  // Just before the session's rooms change, though it did not ask for that: with `events` it is told.
  void tell(session& s, room_id const& room, room_change what);

 private:
  std::size_t worker_;
  hub& hub_;
  bus& bus_;
  state::store& store_;
};

}  // namespace hiky::chat
