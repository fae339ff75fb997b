// SPDX-License-Identifier: Apache-2.0
// Section 5 of the document, redisJoinedRoomParticipantsService: the users who have each room open now.
//   ws:joined_room_participants:{room}   set of users
// An outage is an error here. `services` gives the document's fallback in its place: false, an empty list.
#pragma once
#include <vector>

#include "base/async.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

class joined_room_participants {
 public:
  // `redis` outlives this and every task it gives.
  explicit joined_room_participants(redis::client& redis) : redis_(redis) {}

  task<result<void>> add(room_id room, user_id user);
  task<result<void>> remove(room_id room, user_id user);
  task<result<std::vector<user_id>>> all(room_id room);

 private:
  redis::client& redis_;
};

}  // namespace hiky::state
