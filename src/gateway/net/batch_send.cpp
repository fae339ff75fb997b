// SPDX-License-Identifier: Apache-2.0
#include "gateway/net/batch_send.hpp"

#include <liburing.h>
#include <sys/socket.h>

#include <array>
#include <bitset>
#include <cerrno>
#include <cstring>
#include <span>

#include "base/log.hpp"
#include "gateway/net/connection.hpp"

namespace hiky::gateway {
namespace {

constexpr unsigned ring_size = 256;
constexpr std::size_t frames_per_send = 64;
constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
// Below this a submission costs more than the calls it saves.
constexpr std::size_t worth_a_submission = 3;

int open_ring(io_uring& r) {
  // One thread submits and reaps, and completions run inside submit_and_wait: no interrupts, no task switches.
  return io_uring_queue_init(ring_size, &r, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
}

}  // namespace

struct batch_send::ring {
  io_uring uring{};
  struct parcel {
    msghdr message{};
    std::array<iovec, frames_per_send> parts;
  };
  std::vector<parcel> parcels{ring_size};

  ~ring() { io_uring_queue_exit(&uring); }
};

std::string_view to_string(send_method m) { return m == send_method::io_uring ? "io_uring" : "send"; }

bool io_uring_allowed() {
  io_uring r{};
  if (open_ring(r) < 0) return false;
  io_uring_queue_exit(&r);
  return true;
}

batch_send::batch_send(send_method wanted) : wanted_(wanted) {}

void batch_send::open() {
  if (wanted_ != send_method::io_uring) return;
  io_uring opened{};
  if (auto const failed = open_ring(opened); failed < 0) {
    log::warn("io_uring.unavailable", {{"reason", std::strerror(-failed)}, {"instead", "send"}});
    return;
  }
  ring_ = std::make_unique<ring>();
  ring_->uring = opened;
}

batch_send::~batch_send() = default;

void batch_send::send_one(connection& c) {
  std::array<iovec, frames_per_send> parts;
  auto const count = c.gather(parts);
  ssize_t taken = 0;
  if (count == 1) {
    taken = ::send(c.native_handle(), parts[0].iov_base, parts[0].iov_len,
                   flags);  // the usual case; sendmsg costs a tenth more
  } else {
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    taken = ::sendmsg(c.native_handle(), &message, flags);
  }
  c.sent(taken < 0 ? -errno : taken);
}

void batch_send::flush(std::vector<connection*> const& ready) {
  if (!ring_ || ready.size() < worth_a_submission) {
    for (auto* c : ready) send_one(*c);
    return;
  }
  for (std::size_t begin = 0; begin < ready.size(); begin += ring_size) {
    auto const chunk = std::span{ready}.subspan(begin, std::min<std::size_t>(ring_size, ready.size() - begin));
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      auto& c = *chunk[i];
      auto& p = ring_->parcels[i];
      auto const count = c.gather(p.parts);
      auto* const entry = io_uring_get_sqe(&ring_->uring);
      if (count == 1) {
        io_uring_prep_send(entry, c.native_handle(), p.parts[0].iov_base, p.parts[0].iov_len, flags);
      } else {
        p.message = msghdr{};
        p.message.msg_iov = p.parts.data();
        p.message.msg_iovlen = count;
        io_uring_prep_sendmsg(entry, c.native_handle(), &p.message, flags);
      }
      io_uring_sqe_set_data64(entry, i);
    }
    std::bitset<ring_size> answered;
    std::size_t reaped = 0;
    while (reaped < chunk.size()) {
      if (auto const failed = io_uring_submit_and_wait(&ring_->uring, static_cast<unsigned>(chunk.size() - reaped));
          failed < 0 && failed != -EINTR) {
        // The kernel has taken the ring away. -EAGAIN makes the connections of this chunk that had no answer try again
        // with send.
        log::error("io_uring.failed", {{"reason", std::strerror(-failed)}, {"instead", "send"}});
        ring_.reset();
        for (std::size_t i = 0; i < chunk.size(); ++i) {
          if (!answered[i]) chunk[i]->sent(-EAGAIN);
        }
        for (auto* c : std::span{ready}.subspan(begin + chunk.size())) send_one(*c);
        return;
      }
      unsigned head = 0, seen = 0;
      io_uring_cqe* done = nullptr;
      io_uring_for_each_cqe(&ring_->uring, head, done) {
        auto const i = io_uring_cqe_get_data64(done);
        answered.set(i);
        chunk[i]->sent(done->res);
        ++seen;
      }
      io_uring_cq_advance(&ring_->uring, seen);
      reaped += seen;
    }
  }
}

}  // namespace hiky::gateway
