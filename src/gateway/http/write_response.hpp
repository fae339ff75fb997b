// SPDX-License-Identifier: Apache-2.0
// Sends answers, so that the peer can read them.
#pragma once
#include <chrono>

#include "base/async.hpp"
#include "base/stream_socket.hpp"
#include "gateway/http/message.hpp"

namespace hiky::gateway {

// How long the peer may take nothing of what it is sent.
inline constexpr std::chrono::seconds write_patience{10};

// Sends an answer, without its body if it answers a HEAD. False when the connection is not to be used any more.
task<bool> write_response(stream_socket& socket, http_request const& to, http_response response);
// Lets the peer read the answer before the connection is reset by what it still sends.
task<> linger(stream_socket& socket);

}  // namespace hiky::gateway
