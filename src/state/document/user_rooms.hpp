// SPDX-License-Identifier: Apache-2.0
// Section 3 of the document, redisUserRoomsService: the rooms of each user.
//   ws:user_rooms:{user}   set of rooms
// An outage is an error here. `services` gives the document's fallback in its place: false, an empty list.
#pragma once
#include <vector>

#include "base/async.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

class user_rooms {
 public:
  // `redis` outlives this and every task it gives.
  explicit user_rooms(redis::client& redis) : redis_(redis) {}

  task<result<void>> add(user_id user, room_id room);
  task<result<void>> remove(user_id user, room_id room);
  task<result<std::vector<room_id>>> all(user_id user);
  task<result<void>> clear(user_id user);

 private:
  redis::client& redis_;
};

}  // namespace hiky::state
