// SPDX-License-Identifier: Apache-2.0
// Sends what many connections have queued, once per turn of the loop: all of them in one io_uring submission where the
// kernel allows it, otherwise with one sendmsg each. Same results either way. One thread.
#pragma once
#include <memory>
#include <string_view>
#include <vector>

struct iovec;

namespace hiky::gateway {

class connection;

enum class send_method { io_uring, send };
std::string_view to_string(send_method m);

// Whether this kernel (and its seccomp filter, as in containers) lets us have the ring we want.
bool io_uring_allowed();

class batch_send {
 public:
  explicit batch_send(send_method wanted);
  ~batch_send();
  batch_send(batch_send const&) = delete;
  batch_send& operator=(batch_send const&) = delete;

  // Once, on the thread that will flush: a ring belongs to its thread. Falls back to `send` when none can be had;
  // method() tells.
  void open();

  // Sends from every connection of `ready` and tells each what was taken: connection::sent(bytes or -errno).
  void flush(std::vector<connection*> const& ready);

  send_method method() const { return ring_ ? send_method::io_uring : send_method::send; }

 private:
  struct ring;
  static void send_one(connection& c);
  send_method wanted_;
  std::unique_ptr<ring> ring_;
};

}  // namespace hiky::gateway
