// SPDX-License-Identifier: Apache-2.0
// The opening handshake of RFC 6455 section 4.2: judges a request, makes the answer. Pure.
#pragma once
#include <cstdint>
#include <expected>
#include <string>

#include "gateway/http/message.hpp"

namespace hiky::gateway {

struct handshake_answer {
  std::string text;              // the whole `101` answer
  std::uint8_t window_bits =
      0;  // permessage-deflate: the client can look back so far (deflate_offer.hpp); 0: not negotiated
};

// Whether the request asks for a WebSocket, rightly or not.
bool wants_websocket(http_request const& r);

// The answer, or why not. `r` is as settle_head leaves it. `compress`: permessage-deflate may be negotiated.
std::expected<handshake_answer, request_fault> accept_handshake(http_request const& r, bool compress = false);
// Says no to a handshake, with the headers the status calls for.
http_response refused_handshake(http_request const& to, request_fault const& why);

}  // namespace hiky::gateway
