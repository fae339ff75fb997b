// SPDX-License-Identifier: Apache-2.0
// Section 2 of the document, redisOnlineUsersService: the users who are online.
//   ws:online_users   set of users
// An outage is an error here. `services` gives the document's fallback in its place: false, an empty list, 0.
#pragma once
#include <cstddef>
#include <vector>

#include "base/async.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

class online_users {
 public:
  // `redis` outlives this and every task it gives.
  explicit online_users(redis::client& redis) : redis_(redis) {}

  task<result<void>> add(user_id user);
  task<result<void>> remove(user_id user);
  task<result<bool>> contains(user_id user);
  task<result<std::vector<user_id>>> all();
  task<result<std::size_t>> count();

 private:
  redis::client& redis_;
};

}  // namespace hiky::state
