// SPDX-License-Identifier: Apache-2.0
#include "state/document/user_rooms.hpp"

#include "state/ask.hpp"
#include "state/document/keys.hpp"

namespace hiky::state {

task<result<void>> user_rooms::add(user_id user, room_id room) {
  return ask<void>(redis_, "SADD", keys::user_rooms(user), room);
}
task<result<void>> user_rooms::remove(user_id user, room_id room) {
  return ask<void>(redis_, "SREM", keys::user_rooms(user), room);
}
task<result<std::vector<room_id>>> user_rooms::all(user_id user) {
  return ask<std::vector<room_id>>(redis_, "SMEMBERS", keys::user_rooms(user));
}
task<result<void>> user_rooms::clear(user_id user) { return ask<void>(redis_, "DEL", keys::user_rooms(user)); }

}  // namespace hiky::state
