// SPDX-License-Identifier: Apache-2.0
// Which instances live. A lease that is not renewed ends; whoever notices takes the dead instance and undoes what it
// held.
#pragma once
#include <chrono>
#include <optional>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

enum class lease_state { renewed, lost, being_swept };

struct lease_renewal {
  lease_state own;
  std::vector<instance_id> expired;
};

class leases {
 public:
  explicit leases(redis::client& redis) : redis_(redis) {}

  // `lost`: there was no lease; with `begin` there is one now, and what this instance holds must be asserted again. One
  // round trip: lease_renew.lua
  task<result<lease_renewal>> renew(instance_id own, std::chrono::milliseconds lease, bool begin = false);
  // True when the caller is the one to sweep it, for `patience`; `more` prolongs that. One round trip: lease_take.lua
  task<result<bool>> take(instance_id ended, std::chrono::milliseconds patience, bool more = false);
  // When its lease ends or ended, in ms of Redis TIME; nothing if it has none. ZSCORE
  task<result<std::optional<std::int64_t>>> end_of(instance_id instance);
  // The sweep is done. An instance that has connections again is found once more. One round trip: lease_forget.lua
  task<result<void>> forget(instance_id ended);
  // The instance ends. With connections that Redis still lists, its lease has ended now and others sweep it; without,
  // it is gone. Gives how many there are. One round trip: lease_give_up.lua
  task<result<std::int64_t>> give_up(instance_id own);

 private:
  redis::client& redis_;
};

}  // namespace hiky::state
