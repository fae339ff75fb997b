// SPDX-License-Identifier: Apache-2.0
// The life of connections in Redis. Each has an id, and a user is online while at least one of the user's connections
// lives, on any instance.
#pragma once
#include <boost/json/object.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"
#include "state/chat/bus_letters.hpp"
#include "state/chat/idempotency.hpp"
#include "state/chat/unsure_mail.hpp"

namespace hiky::state {

struct connection_details {
  connection_id id;
  instance_id instance;
  user_id user;
  std::string connected_at;  // ISO 8601
  std::string ip_address;
  std::string user_agent;
  // Patterns of the rooms that the connection may hear, * being any text. Nothing: all rooms.
  std::optional<std::vector<std::string>> rooms{};
};

// Codes with which the state ends connections (docs/protocol.md).
inline constexpr std::uint16_t close_forbidden = 4403, close_replaced = 4409;
inline constexpr std::string_view ban_reason = "banned by an operator", kick_reason = "disconnected by an operator";

// A room that a connection names as its user's.
struct connection_room {
  room_id room;
  bool open = false;  // joined with joinRoom
  connection_room(room_id r, bool is_open = false)
      : room(std::move(r)), open(is_open) {}  // NOLINT(google-explicit-constructor)
};

// Why the user is a member of the rooms that a connection names.
enum class membership {
  granted,     // the directory says so: the user becomes a member of them
  remembered,  // the user was a member before Redis lost its data, perhaps: unless Redis knows that the user has left
  stored,  // only of those of which Redis says so; like `remembered` while Redis knows no lease of the instance
};

struct connected {
  // Set when the user is banned: for so many seconds yet. Then nothing has changed, and the rest says nothing.
  std::optional<std::int64_t> kept_out_s{};
  std::int64_t connections = 0;  // of this user now, on all instances
  bool was_announced = true;  // as offline, or never seen: friends are to hear that the user is online
  std::int64_t mail = 0;  // messages in the offline queue
  std::int64_t at_ms = 0;  // Redis TIME since when the connection hears its rooms, or later
  std::int64_t kick = 0;  // the latest kick() of the user, by its number; 0: none lately
  std::vector<room_id> rooms;  // the user's rooms, in all of which the user now takes part
};

// A connection and its user, as Redis has them.
struct seen_by_redis {
  bool known = false;  // the connection is there, and its user is online
  std::int64_t mail = 0;  // messages in the offline queue, or in flight to the connection
  std::int64_t kept_out_s = 0;  // banned for so long yet; 0 is not at all
  std::int64_t kick = 0;  // the latest kick() of the user, as in `connected`
  std::vector<room_id> rooms{};  // the rooms whose member the user is
};
struct comparison {
  std::int64_t now_ms = 0;  // Redis TIME
  std::vector<seen_by_redis> seen;  // in the order asked for
};

struct notified {
  std::int64_t reached = 0;  // users who had a connection
  bool before = false;  // when the first request with this key came; nothing was sent now
};

class connections {
 public:
  // `grace`: how long a user may be without a connection before the absence is announced.
  // `most_per_user`: a user with more connections, on all instances together, loses the oldest (close_replaced); 0 is
  // no limit. `lease`: for how long an instance that Redis does not know may have connections before others undo them.
  connections(redis::client& redis, int database, std::chrono::milliseconds grace, std::size_t most_per_user = 0,
              std::chrono::milliseconds lease = std::chrono::seconds{15})
      : redis_(redis), database_(database), grace_(grace), most_per_user_(most_per_user), lease_(lease) {}

  // Flow 1 of the document. `rooms` (the directory's; or those a connection hears that is asserted again) become the
  // user's rooms if they are not yet. `newest_ms`: when the latest message of them was said (members::places).
  // `known_ms`: Redis TIME when `remembered` ones were known last; those of more than two hours ago don't count. One
  // round trip: connect.lua
  task<result<connected>> add(connection_details c, std::vector<connection_room> rooms,
                              membership basis = membership::granted, std::int64_t newest_ms = 0,
                              std::int64_t known_ms = 0);

  // Flow 6 of the document. Gives the number of connections that the user has left; -1 when this one was not there any
  // more. The end of the last one is announced after the grace period (announcements). Unconfirmed mail returns to the
  // queue. Messages of `unsure` that no other connection of the user has heard go there, too, and instances that hold
  // such a connection are told (bus_letter::mail). One round trip: disconnect.lua
  task<result<std::int64_t>> remove(connection_id c, instance_id instance, user_id user, unsure_mail unsure = {});

  // These connections as Redis has them, in the order asked for. At most a hundred or so at a time. One round trip:
  // compare.lua
  task<result<comparison>> compare(std::vector<std::pair<user_id, connection_id>> which);

  // Ends all connections of the user with close_forbidden, on every instance, and keeps the user out for `ban` (0: may
  // come back at once). Gives how many connections were told. One round trip: kick.lua
  task<result<std::int64_t>> kick(user_id user, std::chrono::seconds ban);
  // Lets a banned user in again; false if there was no ban. DEL
  task<result<bool>> pardon(user_id user);
  // For how many seconds yet each of `users` is kept out; 0 is not at all. TTL
  task<result<std::vector<std::int64_t>>> kept_out(std::vector<user_id> users);

  // Hands a finished JSON frame to all connections of `users`. `kind`: application, friend_online or friend_offline.
  // With `request`, it is done once: the same request again gets the first one's answer; conflict when its key stands
  // for another. One round trip: notify.lua
  task<result<notified>> notify(std::vector<user_id> users, bus_letter kind, std::string frame,
                                std::optional<once> request = std::nullopt);

  std::chrono::milliseconds grace() const { return grace_; }

 private:
  redis::client& redis_;
  int database_;
  std::chrono::milliseconds grace_;
  std::size_t most_per_user_;
  std::chrono::milliseconds lease_;
};

}  // namespace hiky::state
