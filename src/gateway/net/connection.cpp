// SPDX-License-Identifier: Apache-2.0
#include "gateway/net/connection.hpp"

#include <sys/socket.h>
#include <sys/uio.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/clock.hpp"

namespace hiky::gateway {

using boost::system::error_code;

namespace {

constexpr std::size_t read_buffer_size = 16 * 1024;  // a turn's worth of one client, too
constexpr std::size_t outbox_in_need = 64 * 1024;
constexpr std::size_t pongs_per_read = 16;  // of more pings in one read, the latest is answered alone (RFC 6455 5.5.3)

frame_ptr control(opcode op, std::string_view payload) {
  return shared_frame::make(payload, static_cast<std::uint8_t>(0x80 | static_cast<int>(op)));
}

}  // namespace

connection_loop::connection_loop(asio::io_context& context, send_method method, decoder_limits limits,
                                 deadline_times times, std::size_t outbox, std::size_t compress_from,
                                 chat::counters& counts)
    : io(context),
      frames(limits),
      max_outbox(outbox),
      count(counts),
      read_buffer(read_buffer_size),
      waits(times),
      sender(method),
      deflate(compress_from, counts),
      inflate(counts),
      usual_outbox_(outbox) {}

void connection_loop::mark(connection& c) {
  if (c.is_marked()) return;
  c.set_marked(true);
  ready_.emplace_back(&c);
  if (ready_.size() == 1) asio::post(io, [this] { flush(); });
}

void connection_loop::flush() {
  sending_.swap(ready_);
  sending_view_.clear();
  for (auto const& c : sending_) {
    c->set_marked(false);
    if (c->has_output()) sending_view_.push_back(c.get());
  }
  sender.flush(sending_view_);
  if (auto const since = std::exchange(measured_, std::nullopt)) {
    auto const now = std::chrono::steady_clock::now();
    count.fanout.observe(now - *since);
    for (auto const came : arrivals) count.delivery.observe(now - came);
    arrivals.clear();
  }
  sending_.clear();
}

void connection_loop::tick() {
  for (auto const& c : std::exchange(looked_at_later_, {})) c->arm_read();
  waits.tick(now_ms(), [](deadline_entry& e, wait_for what) { static_cast<connection&>(e).expired(what); });
}

void connection_loop::relieve(bool pressed) {
  max_outbox = pressed ? std::min(usual_outbox_, outbox_in_need) : usual_outbox_;
  if (!pressed) return;
  waits.each([&](deadline_entry& e) {
    auto& c = static_cast<connection&>(e);
    if (c.queued() > max_outbox &&
        c.close_later(close_code::slow_consumer, "too slow while memory is short: reconnect and resume"))
      count.slow_closed.add();
  });
}

void connection_loop::drop_all() {
  std::vector<connection_ptr> all;
  waits.each([&](deadline_entry& e) { all.emplace_back(&static_cast<connection&>(e)); });
  for (auto const& c : all) c->drop();
}

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
  // Whoever goes on sending behind the end is not thrown out at once, or would never read why; but nobody hurries to
  // hear it.
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
  push(control(opcode::close,
               within ? close_payload(close_code::protocol_error, "the connection ended in the middle of a frame")
                      : close_payload(close_code::normal, "the connection ended without a close frame")));
}

void connection::feed(std::span<char> input) {
  std::string latest;
  std::size_t pings = 0;
  while (phase_ == phase::open || phase_ == phase::closing) {
    auto const e = decoder_.next(input);
    if (e.what == event::need_more) break;
    if (e.what != event::ping) handle(e);
    else if (++pings <= pongs_per_read) queue(control(opcode::pong, e.payload));
    else latest = e.payload;
  }
  if (pings <= pongs_per_read) return;
  queue(control(opcode::pong, latest));
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
        push(control(opcode::close, echo));
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

bool connection::queue(frame_ptr frame) {
  if (phase_ != phase::open || condemned_) return true;
  if (window_bits_ != 0) frame = loop_.deflate.smallest(std::move(frame), window_bits_);
  // What waits is the reader's slowness; the size of one more frame is not.
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

void connection::close(close_code code, std::string_view reason, bool vanished) {
  if (phase_ != phase::open) return;
  connection_ptr const keep{this};  // a paused one may be held by its endpoint alone
  if (auto const* const one = std::ranges::find(violations, code); one != violations.end()) {
    loop_.count.violations[static_cast<std::size_t>(one - violations.begin())].add();
  }
  auto const payload = close_payload(code, reason);
  end(vanished);
  push(control(opcode::close, payload));
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
  if (probes_) settle_probes([](probe const& p) { return p.number == 0; });
  if (phase_ == phase::draining) half_close();
}

void connection::after_pong(std::function<void(bool)> done) {
  if (phase_ != phase::open || deaf_) return done(false);
  if (!probes_) probes_ = std::make_unique<std::vector<probe>>();
  probes_->push_back({push_ping(), std::move(done)});
}

std::uint32_t connection::push_ping() {
  if (++loop_.last_ping == 0) ++loop_.last_ping;
  auto const number = loop_.last_ping;
  push(control(opcode::ping, {reinterpret_cast<char const*>(&number), sizeof number}));
  who_->asked(number);
  return number;
}

void connection::after_flush(std::function<void(bool)> done) {
  if (phase_ != phase::open) return done(false);
  if (outbox_.empty()) return done(true);
  if (!probes_) probes_ = std::make_unique<std::vector<probe>>();
  probes_->push_back({0, std::move(done)});
}

// A pong answers the latest ping the peer has seen, and with it all before. False for one that nobody asked for (RFC
// 6455 5.5.3).
bool connection::ponged(std::string_view payload) {
  std::uint32_t number = 0;
  if (payload.size() != sizeof number) return false;
  std::memcpy(&number, payload.data(), sizeof number);
  if (number == 0 || static_cast<std::int32_t>(loop_.last_ping - number) < 0)
    return false;  // of no ping that was ever sent
  if (who_) who_->answered(number);
  if (!probes_ || std::ranges::find(*probes_, number, &probe::number) == probes_->end()) return true;
  settle_probes([=](probe const& p) { return p.number != 0 && static_cast<std::int32_t>(number - p.number) >= 0; });
  return true;
}

template <class Which>
void connection::settle_probes(Which which) {
  std::vector<probe> settled, waiting;
  for (auto& p : *probes_) (which(p) ? settled : waiting).push_back(std::move(p));
  if (waiting.empty()) probes_.reset();
  else *probes_ = std::move(waiting);
  for (auto& p : settled) p.done(true);
}

void connection::ping() {
  if (phase_ == phase::open && !deaf_) push_ping();
}

// Is it still there?
void connection::probe_life() {
  taking_ = false;
  unheard_ = paused_;
  ping();
  loop_.waits.set(*this, wait_for::pong, now_ms());
}

void connection::read_more(bool wanted) {
  paused_ = !wanted;
  unheard_ |= paused_;
  if (!wanted) return;
  connection_ptr const keep{this};
  if (deaf_ && phase_ == phase::open && !who_->pending()) answer_end();
  arm_read();
}

void connection::identified() {
  identified_ = true;
  if (phase_ == phase::open && !deaf_) loop_.waits.set(*this, wait_for::next_ping, now_ms());
}

void connection::expired(wait_for what) {
  connection_ptr const keep{this};
  switch (what) {
    case wait_for::identity:
      loop_.count.unregistered_closed.add();
      return close(close_code{4408}, "no register in time");
    case wait_for::next_ping: return probe_life();
    case wait_for::pong:
      // That we did not listen is not its fault. Whether it lives is seen by what it takes, until it is heard again.
      if (unheard_ && taking_) return probe_life();
      loop_.count.silent_dropped.add();
      return drop();
    case wait_for::goodbye:
      if (phase_ == phase::open) return answer_end();  // what it asked for takes too long
      return drop();
  }
}

}  // namespace hiky::gateway
