// SPDX-License-Identifier: Apache-2.0
// Connections, not users: each has an id, and a user is online while at least one of theirs lives, on any instance.
#pragma once
#include <boost/json/object.hpp>

#include <chrono>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"
#include "state/room_log.hpp"

namespace hiky::state {

struct connection_details {
  connection_id id;
  instance_id instance;
  user_id user;
  std::string connected_at;  // ISO 8601
  std::string ip_address;
  std::string user_agent;
};

// What a beginning connection knows of its user's rooms.
enum class known_rooms {
  member,      // the user belongs to them
  if_nothing,  // the user belonged to them; counts only if Redis knows no room of the user, which has lost its data
};

struct connected {
  std::int64_t connections = 0;  // of this user now, on all instances
  bool was_announced = true;     // as offline, or never seen: friends are to hear that the user is online
  std::int64_t mail = 0;         // messages in the offline queue
  std::vector<room_id> rooms;    // the user's rooms, in all of which the user now takes part
};

// What the user of an ending connection may not have received, though Redis took it for delivered.
struct unsure_mail {
  std::optional<std::int64_t> since_ms{};                       // all that the user's rooms said since then (Redis TIME)
  std::vector<std::pair<room_id, message_place>> heard{};  // what these rooms said after the place; epoch "" is all since the connection began
};

class connections {
 public:
  // `grace`: how long a user may be without a connection before it is announced.
  connections(redis::client& redis, int database, std::chrono::milliseconds grace) : redis_(redis), database_(database), grace_(grace) {}

  // Flow 1 of the document. `rooms` (the directory's; or those a connection hears that is asserted again) become the user's rooms if
  // they are not yet. One round trip: connect.lua
  task<result<connected>> add(connection_details c, std::vector<room_id> rooms, known_rooms what = known_rooms::member);

  // Flow 6 of the document. Gives the connections the user has left; -1 when this one was not there any more.
  // The last one's end is announced after the grace period (announcements). Unconfirmed mail returns to the queue. One round trip: disconnect.lua
  // Of `unsure`, what no other connection of the user has heard goes to the offline queue; instances that hold one are told (bus kind `w`).
  task<result<std::int64_t>> remove(connection_id c, instance_id instance, user_id user, unsure_mail unsure = {});

  // Hands a finished JSON frame to all connections of `users`. `kind` is a bus kind (chat/bus_message.hpp).
  // Gives how many of them had a connection. One round trip: notify.lua
  task<result<std::int64_t>> notify(std::vector<user_id> users, char kind, std::string frame);

  // Rooms whose durable member the user is. SMEMBERS
  task<result<std::vector<room_id>>> rooms(user_id user);

  // Who of `users` is online, in the order asked for. SMISMEMBER
  task<result<std::vector<bool>>> online(std::vector<user_id> users);

  // Instances that have connections. SCAN
  task<result<std::vector<instance_id>>> instances();
  // Connections of one instance, as connection → user. HGETALL
  task<result<std::vector<std::pair<connection_id, user_id>>>> of_instance(instance_id instance);

  std::chrono::milliseconds grace() const { return grace_; }

 private:
  redis::client& redis_;
  int database_;
  std::chrono::milliseconds grace_;
};

}  // namespace hiky::state
