// SPDX-License-Identifier: Apache-2.0
// Section 6 of the document, redisTypingUsersService: who types where, at most 10 s after the last set().
// The document's hash, and beside each entry the key with the TTL that the document names but never creates. An entry
// without that key is dead: reads skip and remove it, in the same step.
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
