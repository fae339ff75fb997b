// SPDX-License-Identifier: Apache-2.0
// Why somebody is online or not, and what became of a message: what Redis knows, put into words. Reads only, and takes
// each picture in one script, so it may be asked while everybody writes. Texts are as Redis holds them, valid UTF-8 or
// not.
#pragma once
#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"
#include "state/chat/room_log.hpp"
#include "state/inspect/explained_connection.hpp"

namespace hiky::state {

struct explained_room {
  room_id room;
  bool member = false;       // for good
  bool participant = false;  // has a connection
  bool joined = false;       // has it open
  bool absent = false;       // is queued for
};

struct user_explanation {
  user_id user;
  bool online = false;
  std::string verdict;                // one sentence
  std::vector<std::string> problems;  // what contradicts itself, a sentence each
  std::vector<explained_connection> connections;
  std::vector<explained_room> rooms;
  std::string last_seen;                        // ISO 8601 or empty
  std::optional<std::int64_t> announced_in_ms;  // then the others hear that the user has gone
  std::optional<room_id> typing_in;
  std::int64_t queued = 0, dropped = 0;      // messages in the mailbox; of those that had to make room, not told yet
  std::string oldest_queued, newest_queued;  // their timestamps
};

// One round trip: explain_user.lua
task<result<user_explanation>> explain_user(redis::client& redis, user_id user);

enum class fate {
  sent,          // by this user
  routed,        // to connections that were there; what one does not confirm before it ends goes to the mailbox
  queued,        // waits in the mailbox
  claimed,       // taken from the mailbox for a connection that has not confirmed it yet
  acknowledged,  // a connection had it, or confirmed it
  dropped,       // the mailbox was full
  not_queued,    // was away, and nothing is kept
  unknown,       // too old to tell
};
std::string_view to_string(fate f);

struct recipient {
  user_id user;
  fate what{};
  std::string why;  // one sentence
  bool member = false, online = false;
  std::vector<explained_connection> connections;
};

struct message_explanation {
  std::string message_id;
  room_id room;
  std::string verdict;                // one sentence
  bool kept = false;                  // in the room's log; otherwise the next three are not known
  user_id sender;
  connection_id from_connection;      // empty: the API or a tool
  std::string timestamp;              // ISO 8601
  std::int64_t members = 0;           // of the room now
  std::optional<std::int64_t> listeners;  // instances that hear the room now, if Redis tells
  std::vector<recipient> recipients;  // members and participants of the room now
  bool truncated = false;             // there are more than asked for
};

struct message_question {
  std::string message_id;            // epoch:seq
  std::optional<room_id> room{};     // saves looking for it among all rooms
  std::optional<user_id> only{};     // this recipient alone
  std::size_t most_recipients = 1000;
};

// invalid_argument: that is no message id. not_found: no room has the epoch, or not the seq yet; the text says which.
// SCAN over the heads of all rooms unless the room is named, then explain_delivery.lua for every 100 recipients.
task<result<message_explanation>> explain_message(redis::client& redis, message_question about,
                                                  room_log_limits limits = {});

// For programs. Where Redis holds bytes that are no UTF-8, so will json::serialize's text.
json::object to_json(user_explanation const& e);
json::object to_json(message_explanation const& e);

}  // namespace hiky::state
