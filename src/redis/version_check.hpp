// SPDX-License-Identifier: Apache-2.0
// Checks a Redis before it is relied on.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "redis/address.hpp"

namespace hiky::redis {

// Blocks, at most `patience`. Gives warnings (settings that may lose our keys).
// not_connected: unreachable, or the login was refused. conflict: reachable, but older than Redis 6.2.
result<std::vector<std::string>> check_server(address where, std::chrono::milliseconds patience);

}  // namespace hiky::redis
