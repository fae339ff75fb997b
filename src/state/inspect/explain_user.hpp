// SPDX-License-Identifier: Apache-2.0
// Why a user is online or not: Redis's knowledge of one user, put into words. Reads only, and takes the whole picture
// in one script, so it may be asked while everybody writes. Texts are as Redis holds them, valid UTF-8 or not.
#pragma once
#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"
#include "state/inspect/explained_connection.hpp"

namespace hiky::state {

struct explained_room {
  room_id room;
  bool member = false;       // for good
  bool participant = false;  // has a connection
  bool joined = false;       // has it open
  bool absent = false;       // messages are queued for the user
};

struct user_explanation {
  user_id user;
  bool online = false;
  std::string verdict;                // one sentence
  std::vector<std::string> problems;  // contradictions in the picture, a sentence each
  std::vector<explained_connection> connections;
  std::vector<explained_room> rooms;
  std::string last_seen;                        // ISO 8601 or empty
  std::optional<std::int64_t> announced_in_ms;  // then the others hear that the user has gone
  std::optional<room_id> typing_in;
  std::int64_t queued = 0, dropped = 0;      // messages in the mailbox; of those that had to make room, not told yet
  std::string oldest_queued, newest_queued;  // their timestamps
};

// One round trip: explain_user.lua
task<result<user_explanation>> explain_user(redis::client& redis, user_id user);

// For programs. Where Redis holds bytes that are no UTF-8, so will json::serialize's text.
json::object to_json(user_explanation const& e);

}  // namespace hiky::state
