// SPDX-License-Identifier: Apache-2.0
// Looks for state that no sequence of our scripts leaves behind: ghosts, half-joined users, connections that nobody
// will end, mail that is stuck or unreadable, strays. May run while everybody writes: each subject is judged, and
// repaired, in one step of Redis. A subject that looks wrong is looked at again after a while, since some faults right
// themselves (a lease that is renewed late, a typing mark whose end is about to be told).
#pragma once
#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

#include "redis/client.hpp"
#include "state/inspect/finding.hpp"

namespace hiky::state {

struct fsck_question {
  bool repair = false;
  bool repair_strays = false;  // with `repair`: deletes keys under ws: that this version does not know
  std::chrono::milliseconds patience{4'000};  // before a suspect is looked at again
  // Called now and then with the number of keys seen so far and the number of all keys, about.
  std::function<void(std::size_t, std::size_t)> progress{};
};

struct fsck_report {
  std::size_t keys = 0, users = 0, memberships = 0;  // looked at
  std::vector<finding> findings;
  std::size_t repaired = 0;
};

// Costs Redis about as much as if every client registered and joined its rooms once more.
task<result<fsck_report>> fsck(redis::client& redis, fsck_question how);

}  // namespace hiky::state
