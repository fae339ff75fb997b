// SPDX-License-Identifier: Apache-2.0
#include "gateway/net/batch_send.hpp"

#include <liburing.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.hpp"

namespace hiky::gateway {
namespace {

constexpr unsigned ring_size = 256;
constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
// Below this a submission costs more than the calls it saves.
constexpr std::size_t worth_a_submission = 3;

int open_ring(io_uring& r) {
  // One thread submits and reaps, and completions run inside submit_and_wait: no interrupts, no task switches.
  return io_uring_queue_init(ring_size, &r, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
}

void send_one(parcel& p) {
  ssize_t taken = 0;
  if (p.count == 1) {
    // The usual case; sendmsg costs a tenth more.
    taken = ::send(p.socket, p.parts[0].iov_base, p.parts[0].iov_len, flags);
  } else {
    msghdr message{};
    message.msg_iov = p.parts.data();
    message.msg_iovlen = p.count;
    taken = ::sendmsg(p.socket, &message, flags);
  }
  p.taken = taken < 0 ? -errno : taken;
}

}  // namespace

struct batch_send::ring {
  io_uring uring{};
  std::vector<msghdr> messages{ring_size};

  ~ring() { io_uring_queue_exit(&uring); }

  // False when the kernel has taken the ring away.
  bool send(std::span<parcel> batch);
};

std::string_view to_string(send_method m) { return m == send_method::io_uring ? "io_uring" : "send"; }

bool io_uring_allowed() {
  io_uring r{};
  if (open_ring(r) < 0) return false;
  io_uring_queue_exit(&r);
  return true;
}

batch_send::batch_send(send_method wanted) : wanted_(wanted), parcels_(1) {}

void batch_send::open() {
  if (wanted_ != send_method::io_uring) return;
  io_uring opened{};
  if (auto const failed = open_ring(opened); failed < 0) {
    log::warn("io_uring.unavailable", {{"reason", std::strerror(-failed)}, {"instead", "send"}});
    return;
  }
  ring_ = std::make_unique<ring>();
  ring_->uring = opened;
  parcels_.resize(ring_size);
}

batch_send::~batch_send() = default;

std::span<parcel> batch_send::parcels(std::size_t wanted) {
  if (!ring_ || wanted < worth_a_submission) return std::span{parcels_}.first(1);
  return std::span{parcels_}.first(std::min<std::size_t>(wanted, ring_size));
}

void batch_send::send(std::span<parcel> batch) {
  if (batch.size() == 1) return send_one(batch.front());
  if (!ring_->send(batch)) ring_.reset();
}

bool batch_send::ring::send(std::span<parcel> batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    auto& p = batch[i];
    // -EAGAIN makes what has no answer at the end be tried again.
    p.taken = -EAGAIN;
    auto* const entry = io_uring_get_sqe(&uring);
    if (p.count == 1) {
      io_uring_prep_send(entry, p.socket, p.parts[0].iov_base, p.parts[0].iov_len, flags);
    } else {
      messages[i] = msghdr{};
      messages[i].msg_iov = p.parts.data();
      messages[i].msg_iovlen = p.count;
      io_uring_prep_sendmsg(entry, p.socket, &messages[i], flags);
    }
    io_uring_sqe_set_data64(entry, i);
  }
  std::size_t reaped = 0;
  while (reaped < batch.size()) {
    if (auto const failed = io_uring_submit_and_wait(&uring, static_cast<unsigned>(batch.size() - reaped));
        failed < 0 && failed != -EINTR) {
      log::error("io_uring.failed", {{"reason", std::strerror(-failed)}, {"instead", "send"}});
      return false;
    }
    unsigned head = 0, seen = 0;
    io_uring_cqe* done = nullptr;
    io_uring_for_each_cqe(&uring, head, done) {
      batch[io_uring_cqe_get_data64(done)].taken = done->res;
      ++seen;
    }
    io_uring_cq_advance(&uring, seen);
    reaped += seen;
  }
  return true;
}

}  // namespace hiky::gateway
