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
#include "state/chat/idempotency.hpp"
#include "state/chat/room_log.hpp"

namespace hiky::state {

struct connection_details {
  connection_id id;
  instance_id instance;
  user_id user;
  std::string connected_at;  // ISO 8601
  std::string ip_address;
  std::string user_agent;
  std::optional<std::vector<std::string>>
      rooms{};  // patterns of the rooms that it may hear, * being any text; nothing: all
};

// Codes with which the state ends connections (docs/protocol.md).
inline constexpr std::uint16_t close_forbidden = 4403, close_replaced = 4409;
inline constexpr std::string_view ban_reason = "banned by an operator", kick_reason = "disconnected by an operator";

// A room of a connection.
struct known_room {
  room_id room;
  bool open = false;  // joined with joinRoom
  known_room(room_id r, bool is_open = false)
      : room(std::move(r)), open(is_open) {}  // NOLINT(google-explicit-constructor)
};
// What a beginning connection knows of its user's rooms: that the user belongs to them, and what follows from that.
enum class known_rooms {
  become_members,  // the user becomes a member of them
  unless_left,     // the user belonged to them, of which Redis may have lost its knowledge: not to those that Redis
                   // knows the user to have left
  as_redis_says,  // only to those to which the user belongs by Redis; like `unless_left` while Redis knows no lease of
                  // the instance
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

// The rooms whose durable member a user is.
struct user_places {
  std::int64_t now_ms = 0;  // Redis TIME
  std::int64_t newest_ms =
      0;  // when the latest message of all of them was said; after `now_ms` if Redis's clock has stepped back
  std::vector<std::pair<room_id, message_place>> rooms;  // with the latest message of each
};

// Some of what Redis lists as connections of an instance.
struct listed_connections {
  std::string cursor;  // for the next; "0" when that was all
  std::int64_t now_ms = 0;  // Redis TIME
  std::vector<std::pair<connection_id, user_id>> connections;
};

// What a connection has surely received of a room, and to where it was given more; `to` 0: to the end.
struct heard_room {
  room_id room;
  message_place
      place;  // epoch "": nothing yet, and seq is the Redis TIME since which it takes part, 0 being since it began
  std::uint64_t to = 0;
};

// What an ending connection owes to its user: what Redis took for delivered, and the client has not shown that it
// received.
struct unsure_mail {
  std::optional<std::int64_t> since_ms{};  // all that the user's rooms said since then (Redis TIME)
  bool since_began = false;  // all that they said since the connection began
  std::vector<heard_room> heard{};  // what these rooms said after the place
  std::int64_t others_since_ms = 0;  // and what the user's other rooms said since then; 0: since the connection began
  std::vector<message_range> given{};  // what the client was given of all that, and so may have
};

// What Redis knows of a connection and its user.
struct seen_by_redis {
  bool known = false;  // the connection, and its user is online
  std::int64_t mail = 0;  // messages in the offline queue, or in flight to the connection
  std::int64_t kept_out_s = 0;  // banned for so long yet; 0 is not at all
  std::int64_t kick = 0;  // the latest kick() of the user, as in `connected`
  std::vector<room_id> rooms{};  // that the user belongs to
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
  // `grace`: how long a user may be without a connection before it is announced.
  // `most_per_user`: who opens more, on all instances together, loses the oldest (close_replaced); 0 is no limit.
  // `lease`: for how long an instance that Redis does not know may have connections before others undo them.
  connections(redis::client& redis, int database, std::chrono::milliseconds grace, std::size_t most_per_user = 0,
              std::chrono::milliseconds lease = std::chrono::seconds{15})
      : redis_(redis), database_(database), grace_(grace), most_per_user_(most_per_user), lease_(lease) {}

  // Flow 1 of the document. `rooms` (the directory's; or those a connection hears that is asserted again) become the
  // user's rooms if they are not yet. `newest_ms`: when the latest message of them was said (user_places). `known_ms`:
  // Redis TIME when `unless_left` ones were known last; those of more than two hours ago don't count. One round trip:
  // connect.lua
  task<result<connected>> add(connection_details c, std::vector<known_room> rooms,
                              known_rooms what = known_rooms::become_members, std::int64_t newest_ms = 0,
                              std::int64_t known_ms = 0);

  // Flow 6 of the document. Gives the connections the user has left; -1 when this one was not there any more.
  // The last one's end is announced after the grace period (announcements). Unconfirmed mail returns to the queue. One
  // round trip: disconnect.lua Of `unsure`, what no other connection of the user has heard goes to the offline queue;
  // instances that hold one are told (bus kind `w`).
  task<result<std::int64_t>> remove(connection_id c, instance_id instance, user_id user, unsure_mail unsure = {});

  // What Redis knows of these connections, in the order asked for. At most a hundred or so at a time. One round trip:
  // compare.lua
  task<result<comparison>> compare(std::vector<std::pair<user_id, connection_id>> which);

  // Ends all connections of the user with close_forbidden, on every instance, and keeps the user out for `ban` (0: may
  // come back at once). Gives how many connections were told. One round trip: kick.lua
  task<result<std::int64_t>> kick(user_id user, std::chrono::seconds ban);
  // Lets a banned user in again; false if there was no ban. DEL
  task<result<bool>> pardon(user_id user);
  // For how many seconds yet each of `users` is kept out; 0 is not at all. TTL
  task<result<std::vector<std::int64_t>>> kept_out(std::vector<user_id> users);

  // Hands a finished JSON frame to all connections of `users`. `kind` is a bus kind (chat/bus_message.hpp).
  // With `what` once: the same request again gets the first one's answer; conflict when its key stands for another. One
  // round trip: notify.lua
  task<result<notified>> notify(std::vector<user_id> users, char kind, std::string frame,
                                std::optional<once> what = std::nullopt);

  // `lastSeen` of these users in the document's clients, which hold no entry of who is gone. One round trip: seen.lua
  task<result<void>> seen(std::vector<user_id> users, std::string when);

  // Rooms whose durable member the user is, and the latest message of each. One round trip: user_places.lua
  task<result<user_places>> places(user_id user);

  // Who of `users` is online, in the order asked for; also who has gone within the grace, so that nobody was told.
  // SMISMEMBER, ZMSCORE
  task<result<std::vector<bool>>> online(std::vector<user_id> users);

  // When each of `users` was last here, in the order asked for: ISO 8601, empty for who never left. GET, in one round
  // trip
  task<result<std::vector<std::string>>> last_seen(std::vector<user_id> users);

  // Instances that have connections. SCAN
  task<result<std::vector<instance_id>>> instances();
  // Connections of one instance, as connection → user. HGETALL
  task<result<std::vector<std::pair<connection_id, user_id>>>> of_instance(instance_id instance);

  // The same, page by page: of those whose id matches the glob pattern, about as many as `count`. TIME, HSCAN
  task<result<listed_connections>> listed(instance_id instance, std::string cursor, std::string pattern,
                                          std::size_t count);
  // Whether the instance's list has these connections, in the order asked for. HMGET
  task<result<std::vector<bool>>> still_listed(instance_id instance, std::vector<connection_id> connections);

  std::chrono::milliseconds grace() const { return grace_; }

 private:
  redis::client& redis_;
  int database_;
  std::chrono::milliseconds grace_;
  std::size_t most_per_user_;
  std::chrono::milliseconds lease_;
};

}  // namespace hiky::state
