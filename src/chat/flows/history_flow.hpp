// SPDX-License-Identifier: Apache-2.0
// Clients read rooms: their messages and their participants. One per worker.
#pragma once
#include <optional>
#include <string>

#include "chat/flows/doubts.hpp"
#include "chat/protocol/protocol.hpp"
#include "chat/requests/answers.hpp"
#include "chat/requests/lane.hpp"
#include "chat/session.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

class history_flow {
 public:
  history_flow(state::store& store, lane& heavy, doubts& doubtful, answers& out)
      : store_(store), heavy_(heavy), doubts_(doubtful), answers_(out) {}

  task<> messages(session_ptr s, std::optional<std::string> id, get_history r);
  task<> participants(session_ptr s, std::optional<std::string> id, get_participants r);

 private:
  state::store& store_;
  lane& heavy_;
  doubts& doubts_;
  answers& answers_;
};

}  // namespace hiky::chat
