// SPDX-License-Identifier: Apache-2.0
// The HTTP API under /api/v1, for programs that hold a key: finds the route, checks who asks and what, calls the handler.
#pragma once
#include "base/async.hpp"
#include "gateway/handshake.hpp"

namespace hiky::gateway {

class worker;

task<http_response> api_response(worker& on, http_request const& request);

}  // namespace hiky::gateway
