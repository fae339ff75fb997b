// SPDX-License-Identifier: Apache-2.0
#include "state/chat/idempotency.hpp"

#include "state/ask.hpp"
#include "state/chat/keys.hpp"

namespace hiky::state {

task<result<bool>> reserve_idempotency_key(redis::client& redis, once request) {
  auto const where = keys::idempotency(request.caller, request.key);
  redis::request both;
  both.add("SET", where, request.digest, "NX", "EX", request.life_s).add("GET", where);
  auto const answer = co_await redis.exec(std::move(both));
  if (!answer) co_return std::unexpected(in_context(answer.error(), "SET", where));
  co_return (*answer)[1].text() == request.digest;
}

}  // namespace hiky::state
