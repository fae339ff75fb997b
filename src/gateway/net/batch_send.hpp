// SPDX-License-Identifier: Apache-2.0
// Sends what many sockets have queued: all of them in one io_uring submission where the kernel allows it, otherwise
// with one call each. Same results either way. Knows no connections. One thread.
#pragma once
#include <sys/types.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace hiky::gateway {

enum class send_method { io_uring, send };
std::string_view to_string(send_method m);

// Whether this kernel (and its seccomp filter, as in containers) lets us have the ring we want.
bool io_uring_allowed();

// The bytes that one socket is to send, and what became of them.
struct parcel {
  int socket = -1;
  std::size_t count = 0;  // of `parts`
  std::array<iovec, 64> parts;
  ssize_t taken = 0;  // bytes, or -errno
};

class batch_send {
 public:
  explicit batch_send(send_method wanted);
  ~batch_send();
  batch_send(batch_send const&) = delete;
  batch_send& operator=(batch_send const&) = delete;

  // Once, on the thread that will send: a ring belongs to its thread. Falls back to `send` when none can be had;
  // method() tells.
  void open();

  // Parcels to be filled for the next call of send: as many as leave together, where `wanted` sockets have something
  // to send. At least one. Valid until the following call.
  std::span<parcel> parcels(std::size_t wanted);
  // Sends them, and tells in each what was taken.
  void send(std::span<parcel> batch);

  send_method method() const { return ring_ ? send_method::io_uring : send_method::send; }

 private:
  struct ring;
  send_method wanted_;
  std::unique_ptr<ring> ring_;
  std::vector<parcel> parcels_;
};

}  // namespace hiky::gateway
