// SPDX-License-Identifier: Apache-2.0
// The pages of the gateway over plain HTTP: health, life, readiness, metrics, and the demo.
#pragma once
#include "base/async.hpp"
#include "gateway/door/door.hpp"
#include "gateway/http/message.hpp"

namespace hiky::gateway {

class worker;

inline constexpr std::string_view metrics_path = "/metrics";

task<http_response> site_response(worker& on, http_request const& request, door by);

}  // namespace hiky::gateway
