// SPDX-License-Identifier: Apache-2.0
// The fate of a message for one recipient: a judgement of the traces that Redis still has. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "state/chat/room_log.hpp"
#include "state/inspect/explained_connection.hpp"

namespace hiky::state {

enum class fate {
  sent,          // by this user
  routed,  // to connections that were there; if one ends without confirming it, the message goes to the mailbox
  queued,  // waits in the mailbox
  claimed,  // taken from the mailbox for a connection that has not confirmed it yet
  acknowledged,  // a connection had it, or confirmed it
  dropped,  // the mailbox was full
  not_queued,  // was away, and nothing is kept
  unknown,  // too old to tell
};
std::string_view to_string(fate f);

struct recipient {
  user_id user;
  fate outcome{};
  std::string why;  // one sentence
  bool member = false, online = false;
  std::vector<explained_connection> connections;
};

// The message, as far as the room's log knows it.
struct judged_message {
  bool kept = false;  // in the log; otherwise nothing below but `members` is known
  user_id sender{};
  connection_id from_connection{};  // empty: the API or a tool
  std::string timestamp{};  // ISO 8601
  std::int64_t at_ms = 0;  // 0: not known
  std::int64_t members = 0;  // of the room now
};

// A recipient's mailbox and absence.
struct standing {
  std::int64_t queued = 0;  // messages in the mailbox
  std::int64_t place = 0;  // of the message among them, 1 being the oldest; 0: it is not there
  std::int64_t dropped = 0;  // messages that had to make room
  std::string oldest_queued{};  // timestamp
  std::string last_seen{};  // ISO 8601
};

// Sets the outcome and its reason, by the surest evidence there is. `who.connections` says which of them claim the
// message.
void judge(recipient& who, standing const& s, judged_message const& m, room_log_limits const& limits);

}  // namespace hiky::state
