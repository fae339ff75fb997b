// SPDX-License-Identifier: Apache-2.0
// Section 4 of the document, redisRoomParticipantsService: the users who take part in each room.
//   ws:room_participants:{room}   set of users
// An outage is an error here. `services` gives the document's fallback in its place: false, an empty list, 0.
#pragma once
#include <cstddef>
#include <vector>

#include "base/async.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

class room_participants {
 public:
  // `redis` outlives this and every task it gives.
  explicit room_participants(redis::client& redis) : redis_(redis) {}

  task<result<void>> add(room_id room, user_id user);
  task<result<void>> remove(room_id room, user_id user);
  task<result<std::vector<user_id>>> all(room_id room);
  task<result<std::size_t>> count(room_id room);
  // One script. True if nobody is in the room now, also if the room never was there: the document's SCARD + DEL cannot
  // tell the two apart, since Redis keeps no empty sets. False if somebody is in it.
  task<result<bool>> remove_if_empty(room_id room);

 private:
  redis::client& redis_;
};

}  // namespace hiky::state
