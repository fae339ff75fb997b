// SPDX-License-Identifier: Apache-2.0
// What a fresh connection speaks first: HTTP/1.1, read by Beast. Ends in a WebSocket, or in answers.
#pragma once
#include "base/async.hpp"
#include "gateway/door/admission.hpp"
#include "gateway/door/door.hpp"
#include "gateway/net/connection.hpp"
#include "gateway/ws/handshake.hpp"

namespace hiky::gateway {

class worker;

// Serves one connection until it is closed or has become a WebSocket.
// `patience`: for the first request.
task<> serve_http(worker& on, stream_socket socket, admission::seat seat, std::chrono::milliseconds patience, door by);
// Says why a connection may not come in. Of what it wants only the beginning is read, for a second at most.
task<> turn_away(stream_socket socket, no_entry why);

struct http_greeting {
  http_request request;
  std::string behind;  // bytes that came behind the request
  bool body_unread;    // nobody wanted it; nothing can be read behind it
};

// Why there is no request, and the connection is done. It was told, unless it is closed or was silent.
enum class no_request : std::uint8_t { malformed, head, body, late, silent, closed };

// Reads one request within `patience`; its body only if `wants_body`, which is called once for each head, says so.
task<std::expected<http_greeting, no_request>> read_request(
    stream_socket& socket, std::string& buffer, std::chrono::milliseconds patience,
    std::function<bool(http_request const& head)> const& wants_body);
// Sends an answer, without its body if it answers a HEAD. False when the connection is not to be used any more.
task<bool> write_response(stream_socket& socket, http_request const& to, http_response response);
// Lets the peer read the answer before the connection is reset by what it still sends.
task<> linger(stream_socket& socket);
http_response plain_response(http_request const& to, boost::beast::http::status status, std::string text);
// Says no to a handshake, with the headers the status calls for.
http_response refused_handshake(http_request const& to, handshake_fault const& why);

}  // namespace hiky::gateway
