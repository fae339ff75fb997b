// SPDX-License-Identifier: Apache-2.0
// The whole of a Redis in numbers.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "redis/client.hpp"

namespace hiky::state {

// Totals that cost nothing to ask.
struct activity {
  std::int64_t online = 0, typing = 0;
  std::int64_t leaving = 0;  // offline, and not announced yet
  std::string info;          // Redis's own words: INFO
};
task<result<activity>> read_activity(redis::client& redis);

// Totals that take a walk over all keys.
struct totals {
  std::int64_t rooms = 0, queues = 0, queued = 0, instances = 0, connections = 0;
  std::vector<std::string> unreadable;  // keys that hold something else than their name says
};
task<result<totals>> count_all(redis::client& redis);

}  // namespace hiky::state
