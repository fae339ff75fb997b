// SPDX-License-Identifier: Apache-2.0
// A refusal of the API: problem details for HTTP APIs, RFC 9457.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "gateway/http/message.hpp"

namespace hiky::gateway {

struct problem {
  http_status status;
  std::string_view code;  // the end of its `type`; the WebSocket's error codes where one fits
  std::string detail;     // what happened, what was expected, what to do
  std::vector<std::pair<http_field, std::string>> headers{};
  std::string cause{};  // of the server's own faults: for the log, never told
};

// The error of an operation as the caller may know it. The server's own fault is in `cause` alone.
problem problem_of(error const& e);

inline constexpr std::string_view problem_media_type = "application/problem+json";
http_response problem_response(http_request const& to, problem const& why);

}  // namespace hiky::gateway
