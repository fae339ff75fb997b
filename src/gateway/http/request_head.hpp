// SPDX-License-Identifier: Apache-2.0
// The rules of RFC 9112 for every request. Pure.
#pragma once
#include <optional>
#include <string_view>

#include "gateway/http/message.hpp"

namespace hiky::gateway {

// Why nobody can know what the request wants, or nothing. An absolute target (`http://HOST/PATH`, section 3.2.2)
// becomes its path and query, and what it names is the host, whatever the Host header says.
std::optional<request_fault> settle_head(http_request& head);

// A request line that cannot be read, or is not there as a whole, tells its method all the same: an answer to HEAD has
// no body (RFC 9110 9.3.2). `bytes`: what came.
void settle_method(http_request& head, std::string_view bytes);

}  // namespace hiky::gateway
