// SPDX-License-Identifier: Apache-2.0
// Section 5 of the document, redisJoinedRoomParticipantsService: for each room, the set of users who have it open now.
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
