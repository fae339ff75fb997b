// SPDX-License-Identifier: Apache-2.0
// Delivery of the offline queue. One connection claims the mail; it is deleted only when it has arrived, and put back
// in order otherwise.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"
#include "state/chat/room_log.hpp"

namespace hiky::state {

struct claimed_mail {
  std::int64_t dropped = 0;                // messages that had to make room
  std::vector<std::string_view> messages;  // JSON text, oldest first; of `answer`, since mail may be megabytes
  std::vector<message_range> given;        // messages that the client's earlier connection was given
  redis::reply answer;
};

struct seen_mail {
  std::vector<std::string_view> messages;  // JSON text, newest first; of `answer`
  redis::reply answer;
};

// Some of the mail, by their places in the list of look(): the rest goes on waiting.
struct mail_choice {
  std::string newest;
  std::size_t count = 0;              // of all that waited
  std::vector<std::size_t> wanted{};  // 0 is the newest; ascending
};

class mailbox {
 public:
  explicit mailbox(redis::client& redis) : redis_(redis) {}

  // The mail that waits; it goes on waiting. LRANGE
  task<result<seen_mail>> look(user_id user);
  // `earlier`: the connection that the client had before, if it says so. conflict: the mail is not
  // the list that was chosen from; look again. One round trip: mail_claim.lua
  task<result<claimed_mail>> claim(user_id user, connection_id connection, std::optional<connection_id> earlier = {},
                                   std::optional<mail_choice> choice = {});
  // The oldest `count` messages arrived, and with them the number of dropped ones. Messages that are never confirmed
  // return to the queue when the connection ends (connections::remove). One round trip: mail_confirm.lua
  task<result<void>> confirm(user_id user, connection_id connection, std::size_t count, std::int64_t dropped);

 private:
  redis::client& redis_;
};

}  // namespace hiky::state
