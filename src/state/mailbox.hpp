// SPDX-License-Identifier: Apache-2.0
// Delivery of the offline queue: claimed by one connection, deleted only when it has arrived, otherwise put back in order.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

struct claimed_mail {
  std::int64_t dropped = 0;           // how many the cap of 100 had discarded
  std::vector<std::string> messages;  // JSON text, oldest first
};

class mailbox {
 public:
  explicit mailbox(redis::client& redis) : redis_(redis) {}

  // What waits, newest first, and goes on waiting. LRANGE
  task<result<std::vector<std::string>>> look(user_id user);
  // `newest`: nothing is claimed unless this is still the newest of what waits. One round trip: mail_claim.lua
  task<result<claimed_mail>> claim(user_id user, connection_id connection, std::optional<std::string> newest = {});
  // The oldest `count` of it arrived, and with it the number of dropped ones. What is never confirmed returns to the queue when the
  // connection ends (connections::remove). One round trip: mail_confirm.lua
  task<result<void>> confirm(user_id user, connection_id connection, std::size_t count, std::int64_t dropped);

 private:
  redis::client& redis_;
};

}  // namespace hiky::state
