// SPDX-License-Identifier: Apache-2.0
#include "state/document/room_participants.hpp"

#include "scripts.hpp"
#include "state/ask.hpp"
#include "state/document/keys.hpp"

namespace hiky::state {

task<result<void>> room_participants::add(room_id room, user_id user) {
  return ask<void>(redis_, "SADD", keys::room_participants(room), user);
}

task<result<void>> room_participants::remove(room_id room, user_id user) {
  return ask<void>(redis_, "SREM", keys::room_participants(room), user);
}

task<result<std::vector<user_id>>> room_participants::all(room_id room) {
  return ask<std::vector<user_id>>(redis_, "SMEMBERS", keys::room_participants(room));
}

task<result<std::size_t>> room_participants::count(room_id room) {
  return ask<std::size_t>(redis_, "SCARD", keys::room_participants(room));
}

task<result<bool>> room_participants::remove_if_empty(room_id room) {
  static redis::script const script{scripts::remove_room_if_empty_lua};
  return ask<bool>(redis_, script, "remove_room_if_empty.lua", {keys::room_participants(room)});
}

}  // namespace hiky::state
