// SPDX-License-Identifier: Apache-2.0
// Absences that are announced once the grace period is over: a page reload must stay invisible.
#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

struct due_announcement {
  user_id user;
  std::string claim;  // tells this announcement from a later one of the same user
};

// Whether an entry of keys::pending_offline with this score still waits for the end of its grace: the user counts as
// online. A claim ends in .5 (announce_due.lua), and with it the room was told.
inline bool is_unannounced(std::string_view score) { return score.find('.') == std::string_view::npos; }

class announcements {
 public:
  // `grace`: how long after its beginning an absence is due, at most.
  announcements(redis::client& redis, int database, std::chrono::milliseconds grace)
      : redis_(redis), database_(database), grace_(grace) {}

  // Announces `userOffline` in the rooms of users whose grace is over, and claims these users for `claim_ms`; at most
  // `most`. The caller then tells their friends. One round trip: announce_due.lua
  task<result<std::vector<due_announcement>>> take_due(std::size_t most, std::int64_t claim_ms);
  // Friends were told. Gives the users who have come back meanwhile: friends may have heard of the return before the
  // absence. One round trip: announce_done.lua
  task<result<std::vector<user_id>>> remove(std::vector<due_announcement> told);

 private:
  redis::client& redis_;
  int database_;
  std::chrono::milliseconds grace_;
};

}  // namespace hiky::state
