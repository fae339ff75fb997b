// SPDX-License-Identifier: Apache-2.0
// Repairs that several examinations make, and how long a dead instance is left to the living.
#pragma once
#include "base/async.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

// Living instances look for ended leases every second.
inline constexpr std::int64_t sweep_patience_ms = 5'000;
// For so long before the end of its lease a dead instance may have left messages undelivered.
inline constexpr std::int64_t doubted_ms = 51'000;

// Carries out the mends that were collected; nothing to do is fine. Redis's first refusal is the error.
task<result<void>> carry_out(redis::client& redis, redis::request mends);

// Ends a connection as its instance would have. Messages since `since_ms` that its user may not have received go to the
// mailbox.
task<result<void>> end_connection(redis::client& redis, connection_id connection, instance_id instance, user_id user,
                                  std::int64_t since_ms);

}  // namespace hiky::state
