// SPDX-License-Identifier: Apache-2.0
#include "gateway/net/connection.hpp"

#include <sys/socket.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cerrno>

#include "base/clock.hpp"

namespace hiky::gateway {

using boost::system::error_code;

namespace {

constexpr std::size_t pongs_per_read = 16;  // of more pings in one read, the latest is answered alone (RFC 6455 5.5.3)

}  // namespace

connection::connection(connection_loop& loop, stream_socket socket, std::uint8_t window_bits, admission::seat seat)
    : loop_(loop),
      socket_(std::move(socket)),
      seat_(std::move(seat)),
      decoder_(loop.frames, decoder::role::server, window_bits == 0 ? nullptr : &loop.inflate),
      window_bits_(window_bits) {
  loop_.count.connections.add();
}

connection::~connection() {
  loop_.count.outbox_bytes.sub(queued_);
  loop_.count.connections.sub();
}

void connection::start(endpoint& who, wait_for first, std::string_view already_read) {
  who_ = &who;
  identified_ = first != wait_for::identity;
  loop_.waits.set(*this, first, now_ms());
  connection_ptr const keep{this};
  if (!already_read.empty()) {
    std::string copy{already_read};  // unmasking writes into its input
    feed(copy);
  }
  arm_read();
}

void connection::arm_read() {
  if (reading_ || deaf_ || phase_ == phase::dead || (paused_ && phase_ == phase::open)) return;
  if (unread_ && !unread_->bytes.empty()) return;
  if (overspent()) {
    unheard_ = true;
    return wait_for_tick();
  }
  reading_ = true;
  socket_.async_wait(stream_socket::wait_read, [self = connection_ptr{this}](error_code ec) {
    self->reading_ = false;
    if (!ec) self->readable();
  });
}

// One read a turn: others get theirs, however much one client sends.
void connection::readable() {
  if (phase_ == phase::dead || (paused_ && phase_ == phase::open)) return;
  auto const size = ::recv(native_handle(), loop_.read_buffer.data(), loop_.read_buffer.size(), MSG_DONTWAIT);
  if (size == 0) return peer_ended();
  if (size < 0 && errno != EAGAIN && errno != EINTR) return drop();
  // A client that goes on sending behind the end is not thrown out at once, or it would never read why. Its bytes are
  // read without hurry.
  if (size > 0 && phase_ == phase::draining) return loop_.look_later(*this);
  if (size > 0) feed(std::span{loop_.read_buffer}.first(static_cast<std::size_t>(size)));
  arm_read();
}

// The peer has ended its side of the socket. It may still read ours, and gets what was queued for it, the answers to
// what it has asked for, and our close frame. Whoever has hung up altogether answers the next of these with a reset.
// Either wait is bounded by wait_for::goodbye.
void connection::peer_ended() {
  connection_ptr const keep{this};
  deaf_ = true;
  if (phase_ == phase::open) {
    if (who_->pending()) loop_.waits.set(*this, wait_for::goodbye, now_ms());
    else answer_end();
    return;
  }
  phase_ = phase::draining;
  if (outbox_.empty()) half_close();
}

// RFC 6455 7.1.7 lets the connection fail here; a close frame tells the peer where its answers end.
void connection::answer_end() {
  if (phase_ != phase::open || condemned_) return;
  bool const within = decoder_.memory() > 0;
  end(true);
  push(control_frame(opcode::close,
                     within ? close_payload(close_code::protocol_error, "the connection ended in the middle of a frame")
                            : close_payload(close_code::normal, "the connection ended without a close frame")));
}

void connection::feed(std::span<char> input) {
  std::string latest;
  std::size_t pings = 0, inflated = 0;
  while (phase_ == phase::open || phase_ == phase::closing) {
    auto const e = decoder_.next(input);
    if (e.what == event::need_more) break;
    auto const size = e.compressed > 0 ? e.payload.size() : 0, came_as = e.compressed;
    if (e.what != event::ping) handle(e);
    else if (++pings <= pongs_per_read) queue(control_frame(opcode::pong, e.payload));
    else latest = e.payload;
    if (size == 0) continue;
    inflated += size;
    bool const within = spend(came_as, size) && inflated < unread::per_turn && !paused_;
    if (within || input.empty()) continue;
    keep_back(input);
    break;
  }
  if (pings <= pongs_per_read) return;
  queue(control_frame(opcode::pong, latest));
  loop_.count.excess_pings.add(pings - pongs_per_read);
  if (who_) who_->overrun(pings);
}

void connection::handle(event const& e) {
  switch (e.what) {
    case event::message:
      if (phase_ == phase::open) who_->received(e.op, e.payload);
      break;
    case event::pong: {
      // One that nobody asked for is a sign of life, too; but of nobody who takes nothing of what waits.
      bool const alive = ponged(e.payload) || outbox_.empty() || std::exchange(taking_, false);
      if (alive && identified_ && phase_ == phase::open) loop_.waits.set(*this, wait_for::next_ping, now_ms());
      break;
    }
    case event::close:
      if (phase_ == phase::open) {
        // RFC 6455 5.5.1: the answer carries the code it answers.
        auto const echo = close_payload(e.code);
        end();
        push(control_frame(opcode::close, echo));
      }
      phase_ = phase::draining;
      if (outbox_.empty()) half_close();
      break;
    case event::failed:
      if (e.code == close_code::too_big && phase_ == phase::open) who_->oversized(e.payload);
      close(e.code, e.reason);
      phase_ = phase::draining;  // whatever else it sends, it is not listened to any more
      break;
    case event::ping:
    case event::need_more: break;
  }
}

void connection::close(close_code code, std::string_view reason, bool vanished) {
  if (phase_ != phase::open) return;
  connection_ptr const keep{this};  // a paused one may be held by its endpoint alone
  if (auto const* const one = std::ranges::find(violations, code); one != violations.end()) {
    loop_.count.violations[static_cast<std::size_t>(one - violations.begin())].add();
  }
  auto const payload = close_payload(code, reason);
  end(vanished);
  push(control_frame(opcode::close, payload));
}

void connection::cut_off(close_code code, std::string_view reason) {
  connection_ptr const keep{this};
  close(code, reason);
  if (phase_ != phase::closing) return;
  phase_ = phase::draining;
  if (outbox_.empty()) half_close();
}

bool connection::close_later(close_code code, std::string_view reason) {
  if (phase_ != phase::open || std::exchange(condemned_, true)) return false;
  asio::post(loop_.io, [self = connection_ptr{this}, code, why = std::string{reason}] {
    // A frame that has begun must be finished; the rest would only keep the peer from hearing why.
    auto& box = self->outbox_;
    auto const kept = self->sent_of_first_ > 0 ? 1U : 0U;
    while (box.size() > kept) {
      self->queued_ -= static_cast<std::uint32_t>(box.back()->bytes().size());
      self->loop_.count.outbox_bytes.sub(box.back()->bytes().size());
      box.pop_back();
    }
    self->close(code, why, true);
  });
  return true;
}

void connection::end(bool vanished) {
  phase_ = deaf_ ? phase::draining : phase::closing;  // a deaf one waits for no close frame
  loop_.waits.set(*this, wait_for::goodbye, now_ms());
  if (auto* who = std::exchange(who_, nullptr)) who->ended(vanished);
  arm_read();
}

void connection::half_close() {
  if (std::exchange(half_closed_, true)) return;
  error_code ignored;
  socket_.shutdown(stream_socket::shutdown_send, ignored);
  if (deaf_) drop();  // both sides have ended; the kernel sends what it has been given
}

void connection::drop() {
  if (phase_ == phase::dead) return;
  connection_ptr const keep{this};
  phase_ = phase::dead;
  unlink();
  error_code ignored;
  socket_.close(ignored);
  outbox_.clear();
  loop_.count.outbox_bytes.sub(std::exchange(queued_, 0));
  if (auto* who = std::exchange(who_, nullptr)) who->ended(true);
  if (auto const unanswered = std::move(probes_)) {
    for (auto& p : *unanswered) p.done(false);
  }
}

void connection::read_more(bool wanted) {
  paused_ = !wanted;
  unheard_ |= paused_;
  if (!wanted) return;
  connection_ptr const keep{this};
  if (deaf_ && phase_ == phase::open && !who_->pending()) answer_end();
  if (unread_ && !unread_->bytes.empty() && !unread_->waits) asio::post(loop_.io, [self = keep] { self->go_on(); });
  arm_read();
}

}  // namespace hiky::gateway
