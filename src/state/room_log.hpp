// SPDX-License-Identifier: Apache-2.0
// Publishing: one script gives a message its place in the room, keeps it, queues it for the absent and broadcasts it.
#pragma once
#include <optional>
#include <string>

#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

struct room_log_limits {
  std::size_t kept = 1000;                     // messages of history per room, about
  std::int64_t life_ms = 24 * 60 * 60 * 1000;  // of a room's history after its last message
  std::size_t max_mailbox_room = 5000;         // larger rooms keep history but fill no mailboxes
  int dedup_s = 300;                           // how long a clientMsgId is remembered
};

struct outgoing_message {
  room_id room;
  user_id sender;
  connection_id connection;                  // gets no copy; empty for the API
  std::string_view content;                  // JSON text; outlives the call
  std::optional<std::string> client_msg_id;  // makes retries safe
};

struct published {
  std::string message_id;  // `epoch:seq`
  std::string timestamp;   // ISO 8601, Redis TIME
  bool duplicate = false;
};

class room_log {
 public:
  room_log(redis::client& redis, int database, room_log_limits limits) : redis_(redis), database_(database), limits_(limits) {}

  // not_member: the sender neither belongs to the room nor takes part in it. One round trip: publish.lua
  task<result<published>> publish(outgoing_message m);

 private:
  redis::client& redis_;
  int database_;
  room_log_limits limits_;
};

}  // namespace hiky::state
