// SPDX-License-Identifier: Apache-2.0
// A connected socket of any family, on a loop of its own thread.
#pragma once
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include "base/async.hpp"

namespace hiky {

using loop_executor = asio::io_context::executor_type;
using stream_socket = asio::basic_stream_socket<asio::generic::stream_protocol, loop_executor>;

}  // namespace hiky
