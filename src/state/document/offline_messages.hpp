// SPDX-License-Identifier: Apache-2.0
// Section 7 of the document, redisOfflineMessageQueueService: the messages that wait for each user who is offline.
//   ws:offline_messages:{user}   list of JSON objects, newest first, at most 100 long
// An outage is an error here. `services` gives the document's fallback in its place: false, an empty list, 0.
#pragma once
#include <cstddef>
#include <vector>

#include "base/async.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "redis/client.hpp"

namespace hiky::state {

class offline_messages {
 public:
  static constexpr std::size_t limit = 100;

  // `redis` outlives this and every task it gives.
  explicit offline_messages(redis::client& redis) : redis_(redis) {}

  // Puts `message` in front and drops what is beyond the limit, in one step.
  // invalid_argument, and nothing is queued, if the JSON could not be read back.
  task<result<void>> push(user_id user, json::object message);
  // Newest first. Entries that are no JSON objects are skipped, with one log line that counts them.
  task<result<std::vector<json::object>>> all(user_id user);
  task<result<void>> clear(user_id user);
  // Of all entries, also those that all() skips.
  task<result<std::size_t>> count(user_id user);

 private:
  redis::client& redis_;
};

}  // namespace hiky::state
