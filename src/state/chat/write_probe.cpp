// SPDX-License-Identifier: Apache-2.0
#include "state/chat/write_probe.hpp"

#include "state/chat/keys.hpp"

namespace hiky::state {

// No instance has an empty name, and XX adds none.
task<result<void>> probe_write(redis::client& redis) {
  auto const answer = co_await redis.exec(redis::request{"ZADD", keys::instances, "XX", 0, ""});
  if (!answer) co_return std::unexpected(answer.error());  // in Redis's own words
  co_return result<void>{};
}

}  // namespace hiky::state
