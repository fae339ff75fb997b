// SPDX-License-Identifier: Apache-2.0
// The instances that share this Redis, as an operator sees them: their leases, their connections, and whether one is
// being swept.
#pragma once
#include <boost/json/array.hpp>

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"
#include "state/inspect/explained_connection.hpp"

namespace hiky::state {

struct instance_view {
  instance_id id;
  lease_state_at lease;
  bool being_swept = false;
  std::int64_t connections = 0, users = 0;
  std::optional<bool> hears;  // its channel of the bus is subscribed to; nothing if Redis does not tell
};

// Instances with a lease or with connections, by name. SCAN and three round trips.
task<result<std::vector<instance_view>>> list_instances(redis::client& redis);

json::array to_json(std::vector<instance_view> const& instances);

}  // namespace hiky::state
