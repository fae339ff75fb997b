// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/lists.hpp"

#include "state/chat/keys.hpp"

namespace hiky::state {

task<result<list_page>> online_page(redis::client& redis, page_wish wish) {
  return read_page(redis, stored_as::set, std::string{keys::online_users}, std::move(wish));
}

task<result<list_page>> clients_page(redis::client& redis, page_wish wish) {
  return read_page(redis, stored_as::hash, std::string{keys::clients}, std::move(wish));
}

task<result<list_page>> joined_page(redis::client& redis, room_id room, page_wish wish) {
  return read_page(redis, stored_as::set, keys::joined_room_participants(room), std::move(wish));
}

task<result<list_page>> members_page(redis::client& redis, room_id room, page_wish wish) {
  return read_page(redis, stored_as::set, keys::room_members(room), std::move(wish));
}

task<result<list_page>> rooms_page(redis::client& redis, user_id user, page_wish wish) {
  return read_page(redis, stored_as::set, keys::member_rooms(user), std::move(wish));
}

}  // namespace hiky::state
