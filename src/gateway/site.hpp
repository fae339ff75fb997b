// SPDX-License-Identifier: Apache-2.0
// What the gateway answers over plain HTTP: health, life, readiness, metrics, and the demo.
#pragma once
#include "base/async.hpp"
#include "gateway/door/door.hpp"
#include "gateway/net/connection.hpp"
#include "gateway/ws/handshake.hpp"

namespace hiky::gateway {

class worker;

inline constexpr std::string_view websocket_path = "/ws", metrics_path = "/metrics";

// The target without its query.
std::string_view path_of(http_request const& r);

task<http_response> site_response(worker& on, http_request const& request, door by);

}  // namespace hiky::gateway
