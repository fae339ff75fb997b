// SPDX-License-Identifier: Apache-2.0
// The proof of identity that a handshake shows. Pure; judges nothing.
#pragma once
#include "auth/authenticator.hpp"
#include "gateway/http/message.hpp"

namespace hiky::gateway {

// The token of the first place that has one: `Authorization: Bearer TOKEN`, `?token=TOKEN`, the offered subprotocol
// `bearer.TOKEN` (browsers can't set headers). And the cookies.
auth::credentials shown_credentials(http_request const& r);

}  // namespace hiky::gateway
