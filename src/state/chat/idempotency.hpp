// SPDX-License-Identifier: Apache-2.0
// Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): what a key has stood for lately. That what is repeated
// is done once is the scripts' doing (publish.lua, notify.lua); a message's key is reserved here, which notices that it
// comes with another request.
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

// Hexadecimal SHA-256.
std::string body_digest(std::string_view text);
// The first `bytes` of SHA-256 in base64url, for what is kept by the million.
std::string short_digest(std::string_view text, std::size_t bytes);

// True when the key of the caller stands for this digest, now or since before; false when it stands for another. SET
// NX, GET
task<result<bool>> reserve_idempotency_key(redis::client& redis, once what);

}  // namespace hiky::state
