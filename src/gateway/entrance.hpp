// SPDX-License-Identifier: Apache-2.0
// Where connections come in to a worker: what comes before HTTP, which is a PROXY header and TLS. Says no to those that
// may not come in.
#pragma once
#include <cstddef>
#include <initializer_list>
#include <string_view>

#include "base/async.hpp"
#include "base/log.hpp"
#include "base/stream_socket.hpp"
#include "gateway/door/admission.hpp"
#include "gateway/door/door.hpp"

namespace hiky::gateway {

class worker;

class entrance {
 public:
  explicit entrance(worker& on) : on_(on) {}

  // Takes over a fresh TCP or Unix connection, if it may come in. On the worker's thread.
  void adopt(stream_socket socket, peer_address from, door by = door::everything);

 private:
  task<> greet(stream_socket socket, admission::seat seat, door by);
  task<> refuse(stream_socket socket, no_entry why);
  void refuse_proxy(std::string_view what, std::initializer_list<log::field> fields);

  worker& on_;
  std::size_t turning_away_ = 0;
};

}  // namespace hiky::gateway
