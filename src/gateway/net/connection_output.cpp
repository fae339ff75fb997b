// SPDX-License-Identifier: Apache-2.0
// The outbox of a connection.
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "gateway/net/connection.hpp"

namespace hiky::gateway {

using boost::system::error_code;

bool connection::queue(frame_ptr frame) {
  if (phase_ != phase::open || condemned_) return true;
  if (window_bits_ != 0) frame = loop_.deflate.smallest(std::move(frame), window_bits_);
  // Frames that wait are the reader's slowness; the size of one more frame is not.
  if (queued() > loop_.max_outbox) return false;
  push(std::move(frame));
  return true;
}

void connection::push(frame_ptr frame) {
  queued_ += static_cast<std::uint32_t>(frame->bytes().size());
  loop_.count.outbox_bytes.add(frame->bytes().size());
  outbox_.push_back(std::move(frame));
  if (!blocked_) loop_.mark(*this);
}

std::size_t connection::gather(std::span<iovec> parts) const {
  auto const count = std::min(parts.size(), outbox_.size());
  for (std::size_t i = 0; i < count; ++i) {
    auto const bytes = outbox_[i]->bytes().substr(i == 0 ? sent_of_first_ : 0);
    parts[i] = {const_cast<char*>(bytes.data()), bytes.size()};
  }
  return count;
}

void connection::sent(ssize_t taken) {
  if (taken < 0 && taken != -EAGAIN && taken != -EINTR) return drop();
  if (taken > 0) {
    loop_.count.bytes_sent.add(static_cast<std::uint64_t>(taken));
    taking_ = true;
    auto left = static_cast<std::size_t>(taken);
    std::size_t whole = 0;
    std::uint32_t freed = 0;
    while (whole < outbox_.size()) {
      auto const rest = outbox_[whole]->bytes().size() - sent_of_first_;
      if (left < rest) break;
      left -= rest;
      sent_of_first_ = 0;
      freed += static_cast<std::uint32_t>(outbox_[whole]->bytes().size());
      ++whole;
    }
    queued_ -= freed;
    loop_.count.outbox_bytes.sub(freed);
    sent_of_first_ += static_cast<std::uint32_t>(left);
    outbox_.erase(outbox_.begin(), outbox_.begin() + static_cast<std::ptrdiff_t>(whole));
  }
  if (outbox_.empty()) return flushed();
  if (taken > 0 && sent_of_first_ == 0) return loop_.mark(*this);  // more frames than one send takes
  blocked_ = true;
  socket_.async_wait(stream_socket::wait_write, [self = connection_ptr{this}](error_code ec) {
    self->blocked_ = false;
    if (!ec && self->has_output()) self->loop_.mark(*self);
  });
}

void connection::flushed() {
  outbox_.shrink_to_fit();
  if (probes_) settle_probes(0);
  if (phase_ == phase::draining) half_close();
}

void connection::after_flush(std::function<void(bool)> done) {
  if (phase_ != phase::open) return done(false);
  if (outbox_.empty()) return done(true);
  if (!probes_) probes_ = std::make_unique<std::vector<probe>>();
  probes_->push_back({0, std::move(done)});
}

}  // namespace hiky::gateway
