// SPDX-License-Identifier: Apache-2.0
// Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): what a key has stood for lately. That what is repeated is done
// once is the scripts' doing (publish.lua, notify.lua); a message's key is reserved here, which notices that it comes with another request.
#pragma once
#include <string>
#include <string_view>

#include "base/async.hpp"
#include "base/error.hpp"
#include "redis/client.hpp"
#include "state/room_log.hpp"

namespace hiky::state {

// How long a key counts: a little longer than the publish script remembers, so that another body never meets the first one's message.
inline constexpr int idempotency_life_s = room_log_limits{}.dedup_s + 10;

// A request that is to be carried out once.
struct once {
  std::string caller, key, digest;
};

// Hexadecimal SHA-256.
std::string body_digest(std::string_view text);

// True when `key` of `caller` stands for `digest`, now or since before; false when it stands for another. SET NX, GET
task<result<bool>> reserve_idempotency_key(redis::client& redis, std::string caller, std::string key, std::string digest);

}  // namespace hiky::state
