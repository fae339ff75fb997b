// SPDX-License-Identifier: Apache-2.0
// Reads HTTP/1.1 requests from a connection, one after the other. Answers nothing but `100 Continue`.
#pragma once
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>

#include "base/async.hpp"
#include "base/stream_socket.hpp"
#include "gateway/http/message.hpp"

namespace hiky::gateway {

inline constexpr std::uint64_t max_request_body = 64 * 1024;

struct received_request {
  http_request request;
  std::string behind;  // bytes that came behind the request
  bool body_unread;    // nobody wanted it; nothing can be read behind it
};

// Why there is no request, and the connection is done.
enum class no_request : std::uint8_t { malformed, head, body, late, silent, closed };

struct unread_request {
  no_request why;
  http_request head{};                   // what could be read of it
  std::optional<request_fault> fault{};  // what the peer is to be told; none: it is gone, or was silent
};

// Reads one request within `patience`, beginning with the bytes of `buffer`, which is empty afterwards. Reads the body
// only if `wants_body`, which is called once for each head, says so.
task<std::expected<received_request, unread_request>> read_request(
    stream_socket& socket, std::string& buffer, std::chrono::milliseconds patience,
    std::function<bool(http_request const& head)> const& wants_body);

// Ends the connection with the answer to what could not be read.
task<> refuse_unread(stream_socket& socket, unread_request const& what, http_response response);

}  // namespace hiky::gateway
