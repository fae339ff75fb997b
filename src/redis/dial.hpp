// SPDX-License-Identifier: Apache-2.0
// One try to connect to a Redis or a Sentinel.
#pragma once
#include <boost/asio/generic/stream_protocol.hpp>

#include "base/async.hpp"
#include "base/tls.hpp"
#include "redis/address.hpp"

namespace hiky::redis {

using socket = asio::generic::stream_protocol::socket;

// Connects `into`, non-blocking, each step within `patience`. TLS (if `secure` is set) stays outside: `into` becomes
// the plain end of a tunnel. The caller may close `into` to give up.
task<result<void>> dial(socket& into, address::host_port to, tls::context secure, std::chrono::milliseconds patience);
task<result<void>> dial(socket& into, std::string unix_path, std::chrono::milliseconds patience);

}  // namespace hiky::redis
