// SPDX-License-Identifier: Apache-2.0
// Users in rooms: joining, leaving, and membership that outlives connections. The document's disconnect flow takes the
// user out of `room_participants`; without durable members no message would ever be queued for an absent user.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"
#include "state/chat/room_log.hpp"
#include "state/page.hpp"

namespace hiky::state {

struct joining {
  bool was_in = false;  // the connection has been in the room
  bool quiet = false;   // `userJoined` is announced only if the user was no member
};

struct joined {
  std::int64_t participant_count = 0;
  std::int64_t at_ms = 0;             // Redis TIME; 0: since the connection has been in the room
  std::vector<user_id> participants;  // all of them, or as many as were asked for
};

// Where a room stood when its user came to belong to it, as far as that is known.
struct room_entry {
  bool member = false;
  message_place place{};  // of the last message before
};

// The rooms whose durable member a user is.
struct user_places {
  std::int64_t now_ms = 0;  // Redis TIME
  // When the latest message of all these rooms was said; after `now_ms` if Redis's clock has stepped back.
  std::int64_t newest_ms = 0;
  std::vector<std::pair<room_id, message_place>> rooms;  // with the latest message of each
};

// A user whose absence was announced, and the rooms that are to hear of the return.
struct returned_user {
  user_id user;
  std::vector<room_id> rooms;
};

class members {
 public:
  members(redis::client& redis, int database) : redis_(redis), database_(database) {}

  // The document's joinRoom. Announces `userJoined`. At most `most` participants are returned. One round trip: join.lua
  task<result<joined>> join(user_id user, room_id room, connection_id connection, std::size_t most, joining how = {});
  // The document's leaveRoom, and the end of the membership. Announces `userLeft`.
  // False when the user was not in the room. One round trip: leave.lua
  task<result<bool>> leave(user_id user, room_id room);
  // Makes a member of a user who need not be connected. Announces `userJoined`. False when the user was one already.
  // One round trip: member_add.lua
  task<result<bool>> add(user_id user, room_id room);
  // Whether the user belongs to the room, and the last message that it said before `since_ms` (Redis TIME). One round
  // trip: room_since.lua
  task<result<room_entry>> entry(room_id room, user_id user, std::int64_t since_ms);
  // Rooms whose durable member the user is, and the latest message of each. One round trip: user_places.lua
  task<result<user_places>> places(user_id user);
  // Announces `userOnline` in rooms, of users who are there still: one message a room. Gives how many rooms were told.
  // One round trip: announce_back.lua
  task<result<std::int64_t>> announce_back(std::vector<returned_user> users);
  // SISMEMBER
  task<result<bool>> contains(room_id room, user_id user);
  // SMEMBERS
  task<result<std::vector<user_id>>> all(room_id room);
  // Users who take part in the room now, a page at a time; also those who have gone within the grace
  // (presence::online). read_page
  task<result<list_page>> participants(room_id room, page_wish wish);

 private:
  task<result<std::vector<std::string>>> unannounced(room_id room);
  redis::client& redis_;
  int database_;
};

}  // namespace hiky::state
