// SPDX-License-Identifier: Apache-2.0
// The document's own API: the 32 methods of its eight services, by their names in snake_case. Each method does what its
// section says. It never fails and never throws: when Redis cannot answer, it logs one line
// (`operation.failed operation=NAME code=… reason=…`) and gives the fallback: false, nothing, an empty list or map, 0.
// A caller that must tell an outage from an empty answer uses the strict classes behind this, one for each section,
// whose headers name the keys and their shapes.
#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "state/document/clients.hpp"
#include "state/document/joined_room_participants.hpp"
#include "state/document/offline_messages.hpp"
#include "state/document/online_users.hpp"
#include "state/document/room_participants.hpp"
#include "state/document/typing_users.hpp"
#include "state/document/user_rooms.hpp"
#include "state/document/utility.hpp"

namespace hiky::state {

class services {
 public:
  // `redis` is connected to the document's database 1 and outlives this; this outlives every task it gives.
  explicit services(redis::client& redis);

  // A bool is the success of the call, unless the method asks something. False is the fallback.
  // Section 1.
  task<bool> set_client(user_id user, json::object connection_data);
  task<std::optional<json::object>> get_client(user_id user);
  task<bool> remove_client(user_id user);
  task<std::map<user_id, json::object>> get_all_clients();

  // Section 2.
  task<bool> add_online_user(user_id user);
  task<bool> remove_online_user(user_id user);
  task<bool> is_user_online(user_id user);
  task<std::vector<user_id>> get_online_users();
  task<std::size_t> get_online_users_count();

  // Section 3.
  task<bool> add_user_room(user_id user, room_id room);
  task<bool> remove_user_room(user_id user, room_id room);
  task<std::vector<room_id>> get_user_rooms(user_id user);
  task<bool> remove_all_user_rooms(user_id user);

  // Section 4.
  task<bool> add_room_participant(room_id room, user_id user);
  task<bool> remove_room_participant(room_id room, user_id user);
  task<std::vector<user_id>> get_room_participants(room_id room);
  task<std::size_t> get_room_participants_count(room_id room);
  // True: nobody is in the room now. False: somebody is, or the call failed.
  task<bool> remove_room_if_empty(room_id room);

  // Section 5.
  task<bool> add_joined_room_participant(room_id room, user_id user);
  task<bool> remove_joined_room_participant(room_id room, user_id user);
  task<std::vector<user_id>> get_joined_room_participants(room_id room);

  // Section 6.
  task<bool> set_typing_user(user_id user, room_id room);  // for 10 s
  task<bool> remove_typing_user(user_id user);
  task<std::optional<room_id>> get_typing_user(user_id user);
  task<std::map<user_id, room_id>> get_all_typing_users();

  // Section 7.
  task<bool> add_offline_message(user_id user, json::object message);
  task<std::vector<json::object>> get_offline_messages(user_id user);  // newest first
  task<bool> clear_offline_messages(user_id user);
  task<std::size_t> get_offline_message_count(user_id user);

  // Section 8.
  task<bool> cleanup_all_websocket_data();
  task<std::optional<std::string>> get_redis_info();
  task<bool> health_check();

 private:
  clients clients_;
  online_users online_users_;
  user_rooms user_rooms_;
  room_participants room_participants_;
  joined_room_participants joined_room_participants_;
  typing_users typing_users_;
  offline_messages offline_messages_;
  utility utility_;
};

}  // namespace hiky::state
