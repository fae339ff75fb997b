// SPDX-License-Identifier: Apache-2.0
// Delivery of the offline queue: claimed by one connection, deleted only when it has arrived, otherwise put back in order.
#pragma once
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

  // One round trip: mail_claim.lua
  task<result<claimed_mail>> claim(user_id user, connection_id connection);
  // It arrived: DEL.
  task<result<void>> confirm(user_id user, connection_id connection);
  // It did not arrive. `dropped` is what claim reported, so that it is not forgotten. One round trip: mail_return.lua
  task<result<void>> give_back(user_id user, connection_id connection, std::int64_t dropped);

 private:
  redis::client& redis_;
};

}  // namespace hiky::state
