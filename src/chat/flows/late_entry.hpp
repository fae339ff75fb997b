// SPDX-License-Identifier: Apache-2.0
// A session enters a room of its user that it learns of late: nobody knows since when the user belongs to the room. One
// per worker.
#pragma once
#include <cstdint>

#include "chat/flows/recoveries.hpp"
#include "chat/flows/replay.hpp"
#include "chat/flows/subscriptions.hpp"
#include "chat/hub.hpp"
#include "chat/requests/answers.hpp"
#include "chat/requests/flow_limits.hpp"
#include "chat/session.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

class late_entry {
 public:
  late_entry(state::store& store, hub& here, subscriptions& heard, recoveries& logs, replay& sent, answers& out,
             flow_limits const& limits);

  // The user belongs to the room, but not since before `since_ms`. Messages since then come from the log, before live
  // ones. `now_ms` is Redis TIME. False when the user does not belong to the room any more.
  task<result<bool>> enter(session_ptr s, room_id room, std::int64_t since_ms, std::int64_t now_ms);

 private:
  // The state of the room in Redis, and the messages of the log that the session does not have.
  struct past {
    bool member = false;
    state::message_place place{};  // of the last message before the user belonged to the room
    state::log_page page{};  // empty where live messages have been handed out
  };
  task<result<past>> find(session_ptr s, room_id room, std::int64_t since_ms, bool hears);
  task<> send(session_ptr s, room_id room, past found, std::int64_t now_ms);

  state::store& store_;
  hub& hub_;
  subscriptions& subscriptions_;
  recoveries& recoveries_;
  replay& replay_;
  answers& answers_;
  flow_limits const& limits_;
};

}  // namespace hiky::chat
