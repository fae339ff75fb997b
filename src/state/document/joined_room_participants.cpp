// SPDX-License-Identifier: Apache-2.0
#include "state/document/joined_room_participants.hpp"

#include "state/ask.hpp"
#include "state/document/keys.hpp"

namespace hiky::state {

task<result<void>> joined_room_participants::add(room_id room, user_id user) {
  return ask<void>(redis_, "SADD", keys::joined_room_participants(room), user);
}

task<result<void>> joined_room_participants::remove(room_id room, user_id user) {
  return ask<void>(redis_, "SREM", keys::joined_room_participants(room), user);
}

task<result<std::vector<user_id>>> joined_room_participants::all(room_id room) {
  return ask<std::vector<user_id>>(redis_, "SMEMBERS", keys::joined_room_participants(room));
}

}  // namespace hiky::state
