// SPDX-License-Identifier: Apache-2.0
// The answer to a client that may not come in.
#pragma once
#include "base/async.hpp"
#include "base/stream_socket.hpp"
#include "gateway/door/admission.hpp"
#include "gateway/http/message.hpp"

namespace hiky::gateway {

http_response refused_entry(http_request const& to, no_entry why);
// Says why a connection may not come in. Of what it wants only the beginning is read, for a second at most.
task<> turn_away(stream_socket socket, no_entry why);

}  // namespace hiky::gateway
