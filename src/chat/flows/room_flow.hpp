// SPDX-License-Identifier: Apache-2.0
// Clients join rooms and leave them. One per worker.
#pragma once
#include <optional>
#include <string>

#include "chat/counters.hpp"
#include "chat/flows/doubts.hpp"
#include "chat/flows/recoveries.hpp"
#include "chat/flows/subscriptions.hpp"
#include "chat/flows/typing_flow.hpp"
#include "chat/hub.hpp"
#include "chat/protocol/protocol.hpp"
#include "chat/requests/answers.hpp"
#include "chat/requests/flow_limits.hpp"
#include "chat/room_policy.hpp"
#include "chat/session.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

class room_flow {
 public:
  room_flow(state::store& store, hub& here, room_policy& door, subscriptions& heard, recoveries& logs, doubts& doubtful,
            typing_flow& typing, answers& out, flow_limits const& limits, counters& count);

  task<> join(session_ptr s, std::optional<std::string> id, join_room r);
  task<> leave(session_ptr s, std::optional<std::string> id, room_id room);

 private:
  // Asks the policy. False when the user may not enter; then the client has got the error.
  task<bool> may_enter(session_ptr s, std::optional<std::string> id, room_id room);
  // False when the session is not in the room after this; then the client has got the error.
  task<bool> enter(session_ptr s, std::optional<std::string> id, join_room r);

  state::store& store_;
  hub& hub_;
  room_policy& door_;
  subscriptions& subscriptions_;
  recoveries& recoveries_;
  doubts& doubts_;
  typing_flow& typing_;
  answers& answers_;
  flow_limits const& limits_;
  counters& count_;
};

}  // namespace hiky::chat
