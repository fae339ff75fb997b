// SPDX-License-Identifier: Apache-2.0
// Publishing: one script gives a message its place in the room, keeps it, queues it for the absent and broadcasts it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

struct room_log_limits {
  std::size_t kept = 1000;                     // messages of history per room, about
  std::int64_t life_ms = 24 * 60 * 60 * 1000;  // of a room's history after its last message
  std::size_t max_mailbox_room = 5000;         // larger rooms keep history but fill no mailboxes
  int dedup_s = 24 * 60 * 60;                  // how long a clientMsgId is remembered
};

// A place in a room's order: `epoch:seq`. Another epoch means that Redis lost the room's head in between.
struct message_place {
  std::string epoch;
  std::uint64_t seq = 0;
  friend bool operator==(message_place const&, message_place const&) = default;
};
std::optional<message_place> parse_message_id(std::string_view id);

// Messages of one epoch, and so of one room, from `first` to `last`.
struct message_range {
  std::string epoch;
  std::uint64_t first = 0, last = 0;
  friend bool operator==(message_range const&, message_range const&) = default;
};

struct outgoing_message {
  room_id room;
  user_id sender;
  connection_id connection;                  // gets no copy; empty for the API
  std::string_view content;                  // JSON text; outlives the call
  std::optional<std::string> client_msg_id;  // makes retries safe, and goes with the message
  // The latest message of the room that the sender's instance knows: Redis must not give its number again.
  message_place heard{};
  bool system = false;   // the sender need not belong to the room, but some user must
  bool tells_id = true;  // false: client_msg_id stays out of the message
  // Goes with the message over the bus, and means something to the sender's instance alone. No spaces.
  std::string came{};
};

inline constexpr std::string_view system_sender = "system";  // sends messages that come from no user

struct published {
  std::string message_id;  // `epoch:seq`
  std::string timestamp;  // ISO 8601, Redis TIME
  bool duplicate = false;
  std::size_t mailboxes = 0;  // that the message was put into
};

struct logged_message {
  std::uint64_t seq;
  std::string frame;  // JSON of the `message` frame
  connection_id connection;  // that sent it
};

struct log_page {
  std::string epoch;  // empty: nothing was ever published, or all was lost
  std::uint64_t newest = 0;  // seq of the room's last message
  std::uint64_t oldest = 0;  // seq of the first message that is kept; 0: none is
  bool more = false;  // beyond the page, in the direction that was asked for
  std::vector<logged_message> messages;  // in order
};

class room_log {
 public:
  room_log(redis::client& redis, int database, room_log_limits limits)
      : redis_(redis), database_(database), limits_(limits) {}

  // not_member: the sender neither belongs to the room nor takes part in it. conflict: the sender has called another
  // content by this client_msg_id. One round trip: publish.lua
  task<result<published>> publish(outgoing_message m);
  // Messages after `seq`, the next ones first in line; or before `seq`, the latest of them. A page has at most `most`
  // messages, and ends before the one for which `bytes` have no room, unless that is the first. Entries that are no
  // JSON object are left out, and logged; there is no page without a message before the end. Mostly one round trip:
  // history.lua
  static constexpr std::size_t page_bytes = 256 * 1024;
  task<result<log_page>> after(room_id room, std::uint64_t seq, std::size_t most, std::size_t bytes = page_bytes);
  task<result<log_page>> before(room_id room, std::uint64_t seq, std::size_t most, std::size_t bytes = page_bytes);
  // Where each of `rooms` stands, in the order asked for: its latest message, or epoch "" when nothing was ever said.
  // Nothing where another program has spoilt the room's head. HMGET, in one round trip
  task<result<std::vector<std::optional<message_place>>>> places(std::vector<room_id> rooms);
  // Redis has gone back to an earlier state and would give numbers of `over` again to other messages: begins a new
  // epoch, and forgets the log, unless another instance did before. One round trip: new_epoch.lua
  task<result<void>> begin_epoch(room_id room, std::string over);

 private:
  struct reading {
    log_page page;
    std::uint64_t end = 0;  // seq of the last entry in the direction, though it may be left out; 0: there is none
    std::size_t poison = 0;  // entries that are left out
  };
  task<result<log_page>> page(room_id room, std::string_view direction, std::uint64_t seq, std::size_t most,
                              std::size_t bytes);
  task<result<reading>> read(room_id room, std::string_view direction, std::uint64_t seq, std::size_t most,
                             std::size_t bytes);
  redis::client& redis_;
  int database_;
  room_log_limits limits_;
};

}  // namespace hiky::state
