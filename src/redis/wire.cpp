// SPDX-License-Identifier: Apache-2.0
#include "redis/wire.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

namespace hiky::redis {

using namespace std::chrono_literals;
using boost::system::error_code;

namespace {

// Thousands of small answers would keep other connections of the thread waiting, if all were read at once.
constexpr std::size_t read_size = 16 * 1024;
// Then Redis is asked something, so that a connection that a NAT or firewall has dropped is missed before a user needs
// it.
constexpr auto longest_silence = 15s;

}  // namespace

wire::wire(asio::any_io_executor executor, std::chrono::milliseconds deadline)
    : ex_(std::move(executor)), deadline_(deadline), sock_(ex_), deadline_timer_(ex_), silence_timer_(ex_) {
  // One look at the clock per read, not per answer; the time of a request's submit is known by its deadline.
  talk_.on_answer([this](exchange::clock::time_point due) {
    if (up_) counts_.round_trips.observe(read_at_ - (due - deadline_));
  });
}

void wire::opened() {
  counts_.connects.fetch_add(1, std::memory_order_relaxed);
  open_ = true;
}

void wire::logged_in() {
  login_at_ = read_at_ = exchange::clock::now();
  up_ = true;
  watch_silence(read_at_);
}

void wire::submit(request const& r, exchange::done then) {
  auto const queued = talk_.submit(r, exchange::clock::now() + deadline_, then);
  if (!queued) {
    asio::post(ex_, [then = std::move(then), why = queued.error()]() mutable {
      std::move(then)(result<reply>{std::unexpected(why)});
    });
    return;
  }
  counts_.requests.fetch_add(1, std::memory_order_relaxed);
  arm_deadline();
  wake_writer();
}

void wire::submit_silent(request const& r) {
  talk_.submit_silent(r, exchange::clock::now() + deadline_);
  arm_deadline();
  wake_writer();
}

void wire::on_push(exchange::push_handler handler, std::function<void()> batch_end) {
  batch_end_ = std::move(batch_end);
  talk_.on_push([this, handler = std::move(handler)](std::span<node const> message) {
    pushes_seen_ = true;
    handler(message);
  });
}

// The bytes leave at the end of this turn, together with those of the same turn.
void wire::wake_writer() {
  if (std::exchange(flush_posted_, true)) return;
  asio::post(ex_, [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->write();
  });
}

void wire::write() {
  if (writing_ || !open_) return;
  for (auto bytes = talk_.output(); !bytes.empty(); bytes = talk_.output()) {
    error_code ec;
    talk_.sent(sock_.write_some(asio::buffer(bytes), ec));
    if (ec == asio::error::would_block) {
      writing_ = true;
      sock_.async_wait(socket::wait_write,
                       [self = shared_from_this(), number = connection_number()](error_code failed) {
                         self->writing_ = false;
                         if (!failed && number == self->connection_number()) self->write();
                       });
      return;
    }
    if (ec) return end(lost(ec));
  }
}

// Our own reason, if we ended the connection.
error wire::lost(error_code ec) const {
  return ended_.value_or(error{errc::not_connected, "connection to Redis lost: " + ec.message()});
}

task<result<void>> wire::read_once(std::chrono::milliseconds patience) {
  error_code ec;
  auto const room = talk_.prepare(read_size);
  auto const size = co_await sock_.async_read_some(asio::buffer(room.data(), room.size()),
                                                   asio::cancel_after(patience, asio::redirect_error(use_task, ec)));
  if (ec == asio::error::operation_aborted) co_return fail(errc::timeout, "Redis did not answer in time");
  if (ec) co_return std::unexpected(lost(ec));
  co_return talk_.commit(size);
}

task<error> wire::read() {
  for (;;) {
    error_code ec;
    auto const room = talk_.prepare(read_size);
    auto const size = co_await sock_.async_read_some(asio::buffer(room.data(), std::min(room.size(), read_size)),
                                                     asio::redirect_error(use_task, ec));
    read_at_ = exchange::clock::now();
    if (ec) co_return lost(ec);
    auto const fed = talk_.commit(size);
    if (pushes_seen_) {
      pushes_seen_ = false;
      if (batch_end_) batch_end_();
    }
    if (!fed) co_return fed.error();
  }
}

// A request that is not answered within two deadlines ends the connection, see arm_deadline.
void wire::watch_silence(exchange::clock::time_point since) {
  silence_timer_.expires_at(since + longest_silence);
  silence_timer_.async_wait([self = shared_from_this()](error_code ec) {
    if (ec || !self->up_) return;
    auto const now = exchange::clock::now();
    bool const silent = now - self->read_at_ >= longest_silence;
    if (silent) self->submit(request{"PING"}, [](result<reply> const&) {});
    self->watch_silence(silent ? now : self->read_at_);
  });
}

void wire::arm_deadline() {
  if (armed_) return;
  auto const when = talk_.oldest_deadline();
  if (!when) return;
  armed_ = true;
  // A little late on purpose: one timer per deadline's length serves all requests in it.
  deadline_timer_.expires_at(std::max(*when, exchange::clock::now() + 20ms));
  deadline_timer_.async_wait([self = shared_from_this()](error_code ec) {
    if (ec) return;
    self->armed_ = false;
    auto const now = exchange::clock::now();
    self->talk_.expire(now);
    if (auto const oldest = self->talk_.oldest_deadline(); oldest && *oldest + self->deadline_ <= now && self->open_) {
      return self->end({errc::not_connected, "Redis hangs: no answer for two deadlines"});
    }
    self->arm_deadline();
  });
}

void wire::end(error why) {
  if (!std::exchange(open_, false)) return;
  ended_ = std::move(why);
  error_code ignored;
  sock_.shutdown(socket::shutdown_both, ignored);
}

bool wire::close(error const& why) {
  auto const was_up = up_.exchange(false);
  open_ = false;
  ended_.reset();
  error_code ignored;
  sock_.close(ignored);
  // not_connected for any reason: requests that wait have lost their connection.
  talk_.abandon({errc::not_connected, why.text});
  deadline_timer_.cancel();
  silence_timer_.cancel();
  armed_ = false;
  return was_up;
}

}  // namespace hiky::redis
