// SPDX-License-Identifier: Apache-2.0
// Section 6 of the document, redisTypingUsersService: the room in which each user types, until 10 s after the last
// set().
//   ws:typing_users          hash, user → room
//   ws:typing_users:{user}   string, the room; lives for 10 s
// The document names the second key for its TTL and never creates it. Here it exists, and an entry of the hash without
// it is dead: reads skip and remove the entry, in the same step. An outage is an error here. `services` gives the
// document's fallback in its place: false, nothing, an empty map.
#pragma once
#include <chrono>
#include <map>
#include <optional>

#include "base/async.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

class typing_users {
 public:
  static constexpr std::chrono::seconds lifetime{10};

  // `redis` outlives this and every task it gives.
  explicit typing_users(redis::client& redis) : redis_(redis) {}

  // The latest room counts.
  task<result<void>> set(user_id user, room_id room);
  task<result<void>> remove(user_id user);
  task<result<std::optional<room_id>>> get(user_id user);
  task<result<std::map<user_id, room_id>>> all();

 private:
  redis::client& redis_;
};

}  // namespace hiky::state
