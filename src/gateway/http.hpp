// SPDX-License-Identifier: Apache-2.0
// The first phase of a connection, HTTP/1.1. Ends in a WebSocket, or in answers.
#pragma once
#include <chrono>

#include "base/async.hpp"
#include "base/stream_socket.hpp"
#include "gateway/door/admission.hpp"
#include "gateway/door/door.hpp"

namespace hiky::gateway {

class worker;

// Serves one connection until it is closed or has become a WebSocket.
// `patience`: for the first request.
task<> serve_http(worker& on, stream_socket socket, admission::seat seat, std::chrono::milliseconds patience, door by);

}  // namespace hiky::gateway
