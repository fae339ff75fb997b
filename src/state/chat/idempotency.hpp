// SPDX-License-Identifier: Apache-2.0
// Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): which request a key has stood for lately. The scripts
// see to it that a repeated request is done once (publish.lua, notify.lua). The key of a message is reserved here,
// which notices that the key comes with another request.
#pragma once
#include <string>
#include <string_view>

#include "base/async.hpp"
#include "base/error.hpp"
#include "redis/client.hpp"
#include "state/chat/room_log.hpp"

namespace hiky::state {

// How long a key counts: a little longer than the publish script remembers, so that another body never meets the first
// one's message.
constexpr int idempotency_life_s(room_log_limits const& limits) { return limits.dedup_s + 10; }

// A request that is to be carried out once.
struct once {
  std::string caller, key, digest;
  int life_s = 0;  // idempotency_life_s
};

// True when the key of the caller stands for this digest, now or since before; false when it stands for another. SET
// NX, GET
task<result<bool>> reserve_idempotency_key(redis::client& redis, once request);

}  // namespace hiky::state
