// SPDX-License-Identifier: Apache-2.0
// HTTP messages as the gateway holds them: Beast's, with a text as their body.
#pragma once
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <string>
#include <string_view>

namespace hiky::gateway {

using http_request = boost::beast::http::request<boost::beast::http::string_body>;
using http_response = boost::beast::http::response<boost::beast::http::string_body>;
using http_field = boost::beast::http::field;
using http_status = boost::beast::http::status;

// Why a request is refused.
struct request_fault {
  http_status status;
  std::string reason;  // what was wrong and what was expected
};

// The target without its query.
std::string_view path_of(http_request const& r);

http_response plain_response(http_request const& to, http_status status, std::string text);

}  // namespace hiky::gateway
