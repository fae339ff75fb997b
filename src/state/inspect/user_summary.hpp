// SPDX-License-Identifier: Apache-2.0
// A user as Redis has it, in short. (explain_user.hpp says why.)
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

struct user_summary {
  std::int64_t connections = 0;    // on all instances
  std::int64_t rooms = 0;          // whose member the user is
  std::int64_t queued = 0;         // messages in the mailbox
  std::int64_t dropped = 0;        // messages that the full mailbox discarded, and that the user was not told of
  std::int64_t kept_out_s = 0;     // banned for so long yet; 0: not at all
  std::string last_seen;           // ISO 8601; empty: never here
  std::optional<room_id> typing_in;
};

// Two round trips.
task<result<user_summary>> summary_of(redis::client& redis, user_id user);

// The user's connections, by id, each with its JSON as Redis holds it. HGETALL
task<result<std::vector<std::pair<connection_id, std::string>>>> connections_of(redis::client& redis, user_id user);

}  // namespace hiky::state
