// SPDX-License-Identifier: Apache-2.0
// Users who have not been seen for long, and the end of their memberships and mail: without it, a user who came once is
// a member, with a mailbox, for ever.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

class absentees {
 public:
  explicit absentees(redis::client& redis) : redis_(redis) {}

  struct page {
    std::vector<user_id> users;
    std::string next;  // for the next call; "0" when all were looked at
  };
  // Looks at some of the users who were ever seen, and gives those who have not been seen for `long_ago` and are not
  // here. Time is that of the clock that is behind, ours or Redis's: a clock that has gone astray must not end
  // anything. SCAN, and two round trips
  task<result<page>> find(std::string cursor, std::chrono::seconds long_ago);
  // At most `most` of the rooms the user is a member of. SRANDMEMBER
  task<result<std::vector<room_id>>> rooms(user_id user, std::size_t most);
  // The user's last trace, when there are no rooms any more. False when the user has come back, or another instance was
  // first. One round trip: forget.lua
  task<result<bool>> forget(user_id user);

 private:
  redis::client& redis_;
};

}  // namespace hiky::state
