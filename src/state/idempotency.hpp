// SPDX-License-Identifier: Apache-2.0
// Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): what a key has stood for lately. That the repeated message is stored once is
// the publish script's doing; this notices that a key comes with another request.
#pragma once
#include <string>
#include <string_view>

#include "base/async.hpp"
#include "base/error.hpp"
#include "redis/client.hpp"

namespace hiky::state {

// Hexadecimal SHA-256.
std::string body_digest(std::string_view text);

// True when `key` of `caller` stands for `digest`, now or since before; false when it stands for another. SET NX, GET
task<result<bool>> reserve_idempotency_key(redis::client& redis, std::string caller, std::string key, std::string digest);

}  // namespace hiky::state
