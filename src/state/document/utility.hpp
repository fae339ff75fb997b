// SPDX-License-Identifier: Apache-2.0
// Section 8 of the document, redisUtilityService: maintenance and monitoring.
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

  // Removes every key under `ws:` of the client's database and says how many there were. Never blocks Redis for long:
  // SCAN and UNLINK, a batch at a time. What others write meanwhile may stay. After an error some keys may be gone.
  // `progress` hears now and then how many are gone.
  task<result<std::size_t>> cleanup(std::function<void(std::size_t)> progress = {});
  // What INFO prints.
  task<result<std::string>> info();
  task<result<void>> ping();

 private:
  redis::client& redis_;
};

}  // namespace hiky::state
