// SPDX-License-Identifier: Apache-2.0
// Whether Redis takes writes.
#pragma once
#include "base/async.hpp"
#include "base/error.hpp"
#include "redis/client.hpp"

namespace hiky::state {

// A write that changes nothing. Scripts do not tell: one that has deleted something may go on to write when memory has
// run out. ZADD XX
task<result<void>> probe_write(redis::client& redis);

}  // namespace hiky::state
