// SPDX-License-Identifier: Apache-2.0
// Section 1 of the document, redisClientService: the users who are connected, and since when.
//   ws:clients   hash, user → JSON object (connectedAt, lastSeen, ipAddress, …)
// An outage is an error here. `services` gives the document's fallback in its place: false, nothing, an empty map.
#pragma once
#include <map>
#include <optional>

#include "base/async.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "redis/client.hpp"

namespace hiky::state {

class clients {
 public:
  // `redis` outlives this and every task it gives.
  explicit clients(redis::client& redis) : redis_(redis) {}

  // Stores `data` (connectedAt, lastSeen, ipAddress, …) in place of what was there.
  // invalid_argument, and nothing is stored, if the JSON could not be read back.
  task<result<void>> set(user_id user, json::object data);
  // Nothing if the user has no entry. unexpected_reply if the entry is no JSON object.
  task<result<std::optional<json::object>>> get(user_id user);
  task<result<void>> remove(user_id user);
  // Entries that are no JSON objects are skipped, with one log line that counts them.
  task<result<std::map<user_id, json::object>>> all();

 private:
  redis::client& redis_;
};

}  // namespace hiky::state
