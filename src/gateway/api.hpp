// SPDX-License-Identifier: Apache-2.0
// The HTTP API under /api/v1, for programs that hold a key: finds the route, checks who asks and what, calls the handler.
#pragma once
#include "base/async.hpp"
#include "gateway/handshake.hpp"
#include "gateway/peer_address.hpp"

namespace hiky::gateway {

class worker;

// `from`: whose request it is.
task<http_response> api_response(worker& on, http_request const& request, peer_address from);

}  // namespace hiky::gateway
