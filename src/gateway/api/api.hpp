// SPDX-License-Identifier: Apache-2.0
// The HTTP API under /api/v1, for programs that hold a key: checks what they send, and calls the route's handler.
#pragma once
#include "gateway/api/demand.hpp"

namespace hiky::gateway {

// `demand`: as judge_api_head gave it for the head of this request.
task<http_response> api_response(api_context const& on, http_request const& request, api_demand demand);
// The answer to a request of which no more than the head could be read.
http_response unread_api_response(http_request const& head, request_fault const& why);

}  // namespace hiky::gateway
