// SPDX-License-Identifier: Apache-2.0
// The opening handshake of RFC 6455 section 4.2: judges a request, makes the answer. Pure.
#pragma once
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cstdint>
#include <expected>
#include <string>

namespace hiky::gateway {

using http_request = boost::beast::http::request<boost::beast::http::string_body>;
using http_response = boost::beast::http::response<boost::beast::http::string_body>;

struct handshake_fault {
  boost::beast::http::status status;
  std::string reason;  // what was wrong and what was expected
};

struct handshake_answer {
  std::string text;              // the whole `101` answer
  std::uint8_t window_bits =
      0;  // permessage-deflate: the client can look back so far (deflate_offer.hpp); 0: not negotiated
};

bool wants_websocket(http_request const& r);

// The answer, or why not. `r` is as settle_head leaves it. `compress`: permessage-deflate may be negotiated.
std::expected<handshake_answer, handshake_fault> accept_handshake(http_request const& r, bool compress = false);

}  // namespace hiky::gateway
