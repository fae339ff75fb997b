// SPDX-License-Identifier: Apache-2.0
// Section 8 of the document, redisUtilityService: maintenance and monitoring.
//   ws:*   all keys, the chat's too
// An outage is an error here. `services` gives the document's fallback in its place: false, nothing.
#pragma once
#include <cstddef>
#include <functional>
#include <string>

#include "base/async.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

class utility {
 public:
  // `redis` outlives this and every task it gives.
  explicit utility(redis::client& redis) : redis_(redis) {}

  // Removes every key under `ws:` of the client's database and gives their number. Never blocks Redis for long:
  // SCAN and UNLINK, a batch at a time. Keys that other programs write meanwhile may stay. After an error some keys may
  // be gone. `progress` is called now and then with the number of keys that are gone.
  task<result<std::size_t>> cleanup(std::function<void(std::size_t)> progress = {});
  // The text of INFO.
  task<result<std::string>> info();
  task<result<void>> ping();

 private:
  redis::client& redis_;
};

}  // namespace hiky::state
