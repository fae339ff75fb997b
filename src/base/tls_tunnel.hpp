// SPDX-License-Identifier: Apache-2.0
// Keeps TLS out of everything else: a tunnel carries bytes between a TLS connection and one end of a socket pair.
// The owner of the other end sees a plain stream socket, with readiness, batches of sends and half-closing as usual.
// Bytes that either side does not take wait in the kernel's buffers, so that a slow reader is slow on both sides of the
// tunnel. Lives by itself on the executor of the coroutine that made it, and ends when either side has.
#pragma once
#include <chrono>
#include <string>

#include "base/async.hpp"
#include "base/tls.hpp"

namespace hiky::tls {

// Does the server's handshake on a connected, non-blocking socket, within `patience`. Gives the plain end,
// non-blocking, to be owned by the caller. `descriptor` is taken over in any case.
task<result<int>> accept(int descriptor, context with, std::chrono::milliseconds patience);

// The same as a client: asks for `host`, and checks that the certificate is for it (a name, or an IP address).
task<result<int>> connect(int descriptor, context with, std::string host, std::chrono::milliseconds patience);

}  // namespace hiky::tls
