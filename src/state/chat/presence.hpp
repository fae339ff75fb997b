// SPDX-License-Identifier: Apache-2.0
// Presence of users, over all of their connections on all instances: online or not, and when they were last here.
#pragma once
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

class presence {
 public:
  explicit presence(redis::client& redis) : redis_(redis) {}

  // Which of `users` are online, in the order asked for. A user who has gone within the grace still is: the others were
  // not told. SMISMEMBER, ZMSCORE
  task<result<std::vector<bool>>> online(std::vector<user_id> users);

  // When each of `users` was last here, in the order asked for: ISO 8601, empty for a user who never left. GET, in one
  // round trip
  task<result<std::vector<std::string>>> last_seen(std::vector<user_id> users);

  // Sets `lastSeen` of these users in the document's clients, which hold no entry of a user who has gone. One round
  // trip: seen.lua
  task<result<void>> seen(std::vector<user_id> users, std::string when);

 private:
  redis::client& redis_;
};

}  // namespace hiky::state
