// SPDX-License-Identifier: Apache-2.0
// Looks for state that no sequence of our scripts leaves behind: ghosts, half-joined users, connections that nobody
// will end, mail that is stuck or unreadable, strays. May run while everybody writes: each thing is judged, and mended,
// in one step of Redis, and whatever looks wrong is looked at again after a while, since some things right themselves
// (a lease that is renewed late, a typing mark whose end is about to be told).
#pragma once
#include <boost/json/array.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "redis/client.hpp"

namespace hiky::state {

struct finding {
  std::string kind;  // a word for programs, like `ghost`
  std::string key;  // where it was found
  std::string found;  // what is wrong, a sentence
  std::string expected;  // what would be right
  std::string repaired;  // what was done about it; empty: nothing
};

struct fsck_question {
  bool repair = false;
  bool repair_strays = false;  // with `repair`: deletes keys under ws: that this version does not know
  std::chrono::milliseconds patience{4'000};  // before what looks wrong is looked at again
  // Called now and then: keys seen so far, keys there are, about.
  std::function<void(std::size_t, std::size_t)> progress{};
};

struct fsck_report {
  std::size_t keys = 0, users = 0, memberships = 0;  // looked at
  std::vector<finding> findings;
  std::size_t repaired = 0;
};

// Costs Redis about what everybody's register and joinRoom once more would.
task<result<fsck_report>> fsck(redis::client& redis, fsck_question how);

json::array to_json(std::vector<finding> const& findings);

}  // namespace hiky::state
