// SPDX-License-Identifier: Apache-2.0
// The end of HTTP on a connection: a handshake is judged, and a chat session begins.
#pragma once
#include <string>

#include "base/async.hpp"
#include "base/stream_socket.hpp"
#include "gateway/door/admission.hpp"
#include "gateway/http/message.hpp"

namespace hiky::gateway {

class worker;

inline constexpr std::string_view websocket_path = "/ws";

// `request` has websocket_path. Refuses it, or makes a chat session of the connection. `behind`: bytes that came behind
// the request.
task<> upgrade(worker& on, stream_socket socket, admission::seat seat, http_request request, std::string behind);

}  // namespace hiky::gateway
