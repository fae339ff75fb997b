// SPDX-License-Identifier: Apache-2.0
// Idempotency-Key, as the API's writing routes share it: what the header says, which request it stands for, and the
// refusal.
#pragma once
#include "gateway/api/route.hpp"
#include "state/chat/idempotency.hpp"

namespace hiky::gateway {

// The header's key; empty when there is none.
std::expected<std::string, problem> idempotency_key(http_request const& request);

// The call's key, and what has to be the same when it comes again, within one route.
state::once once_of(api_call const& call);

problem idempotency_key_reused();

}  // namespace hiky::gateway
