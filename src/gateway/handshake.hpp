// SPDX-License-Identifier: Apache-2.0
// The opening handshake of RFC 6455 section 4.2: judges a request, makes the answer. Pure.
#pragma once
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <expected>
#include <string>

namespace hiky::gateway {

using http_request = boost::beast::http::request<boost::beast::http::string_body>;
using http_response = boost::beast::http::response<boost::beast::http::string_body>;

struct handshake_fault {
  boost::beast::http::status status;
  std::string reason;  // what was wrong and what was expected
};

bool wants_websocket(http_request const& r);

// The whole `101` answer as text, or why not.
std::expected<std::string, handshake_fault> accept_handshake(http_request const& r);

}  // namespace hiky::gateway
