// SPDX-License-Identifier: Apache-2.0
// What RFC 9112 asks of every request, whatever it wants. Pure.
#pragma once
#include <optional>

#include "gateway/ws/handshake.hpp"

namespace hiky::gateway {

// Why nobody can know what the request wants, or nothing. An absolute target (`http://HOST/PATH`, section 3.2.2)
// becomes its path and query, and what it names is the host, whatever the Host header says.
std::optional<handshake_fault> settle_head(http_request& head);

}  // namespace hiky::gateway
