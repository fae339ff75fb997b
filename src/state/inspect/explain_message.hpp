// SPDX-License-Identifier: Apache-2.0
// The fate of a message for each of its recipients: Redis's knowledge put into words. Reads only, and takes each
// recipient's picture in one script, so it may be asked while everybody writes. Texts are as Redis holds them, valid
// UTF-8 or not.
#pragma once
#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"
#include "state/chat/room_log.hpp"
#include "state/inspect/message_fate.hpp"

namespace hiky::state {

struct message_explanation {
  std::string message_id;
  room_id room;
  std::string verdict;                    // one sentence
  bool kept = false;                      // in the room's log; otherwise the next three are not known
  user_id sender;
  connection_id from_connection;          // empty: the API or a tool
  std::string timestamp;                  // ISO 8601
  std::int64_t members = 0;               // of the room now
  std::optional<std::int64_t> listeners;  // instances that hear the room now, if Redis tells
  std::vector<recipient> recipients;      // members and participants of the room now
  bool truncated = false;                 // there are more than asked for
};

struct message_question {
  std::string message_id;         // epoch:seq
  std::optional<room_id> room{};  // saves looking for it among all rooms
  std::optional<user_id> only{};  // this recipient alone
  std::size_t most_recipients = 1000;
};

// invalid_argument: that is no message id. not_found: no room has the epoch, or not the seq yet; the text says which.
// SCAN over the heads of all rooms unless the room is named, then explain_delivery.lua for every 100 recipients.
task<result<message_explanation>> explain_message(redis::client& redis, message_question about,
                                                  room_log_limits limits = {});

// For programs. Where Redis holds bytes that are no UTF-8, so will json::serialize's text.
json::object to_json(message_explanation const& e);

}  // namespace hiky::state
