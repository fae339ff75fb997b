// SPDX-License-Identifier: Apache-2.0
// Leases of instances. A lease that is not renewed ends. The first instance that notices takes the dead one and ends
// its connections.
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

  // `lost`: there was no lease; with `begin` there is one now, and the connections of this instance must be asserted
  // again. One round trip: lease_renew.lua
  task<result<lease_renewal>> renew(instance_id own, std::chrono::milliseconds lease, bool begin = false);
  // True when the caller is the one to sweep it, for `patience`; `more` prolongs that. One round trip: lease_take.lua
  task<result<bool>> take(instance_id ended, std::chrono::milliseconds patience, bool more = false);
  // When its lease ends or ended, in ms of Redis TIME; nothing if it has none. ZSCORE
  task<result<std::optional<std::int64_t>>> end_of(instance_id instance);
  // The sweep is done. An instance that has connections again is found once more. One round trip: lease_forget.lua
  task<result<void>> forget(instance_id ended);
  // The instance ends. If Redis still lists connections of it, its lease ends now and others sweep it; otherwise it is
  // gone. Gives their number. One round trip: lease_give_up.lua
  task<result<std::int64_t>> give_up(instance_id own);

 private:
  redis::client& redis_;
};

}  // namespace hiky::state
