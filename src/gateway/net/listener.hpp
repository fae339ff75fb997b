// SPDX-License-Identifier: Apache-2.0
// Accepts connections for one worker. With SO_REUSEPORT every worker has a listener of its own and the kernel spreads
// the load.
#pragma once
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>

#include "base/error.hpp"
#include "base/stream_socket.hpp"
#include "gateway/door/peer_address.hpp"
#include "gateway/net/listen_address.hpp"

namespace hiky::gateway {

class listener {
 public:
  // Whether nobody listens there yet. SO_REUSEPORT alone would let a second daemon share the port, and each would get
  // some of the other's clients.
  static result<void> check_free(listen_address const& where);
  // Binds and listens. The error says what is taken or forbidden, and what would help. `where.port` becomes the real
  // one. `first`: no listener of this process is there yet, so nobody may be.
  static result<int> open(listen_address& where, bool first = true);

  // Owns `descriptor`, which open() gave.
  listener(asio::io_context& io, int descriptor, std::function<void(stream_socket, peer_address)> accepted);
  // From any thread.
  void start();
  void stop();

 private:
  void wait();
  void accept_all();

  asio::io_context& io_;
  asio::posix::basic_stream_descriptor<loop_executor> descriptor_;
  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, loop_executor>
      pause_;
  std::function<void(stream_socket, peer_address)> accepted_;
};

}  // namespace hiky::gateway
