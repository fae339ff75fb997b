// SPDX-License-Identifier: Apache-2.0
#include "redis/connection.hpp"

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>

#include "base/log.hpp"
#include "redis/backoff.hpp"
#include "redis/login.hpp"
#include "redis/sentinel.hpp"

namespace hiky::redis {

using boost::system::error_code;

namespace {

error closed_here() { return {errc::not_connected, "the connection to Redis was closed here"}; }

}  // namespace

connection::connection(asio::any_io_executor executor, address where)
    : ex_(std::move(executor)),
      where_(std::move(where)),
      wire_(std::make_shared<wire>(ex_, where_.deadline)),
      pause_timer_(ex_),
      state_timer_(ex_) {}

void connection::start() {
  wanted_ = true;
  auto const life = ++current_life_;
  asio::co_spawn(ex_, [self = shared_from_this(), life] { return self->run(life); }, asio::detached);
}

void connection::stop() {
  wanted_ = false;
  ++current_life_;
  pause_timer_.cancel();
  state_timer_.cancel();
  state_handler_ = nullptr;
  data_handler_ = nullptr;
  drop(closed_here());
}

task<result<void>> connection::wait_up(std::chrono::milliseconds patience) {
  auto const until = exchange::clock::now() + patience;
  while (!up() && exchange::clock::now() < until) {
    state_timer_.expires_at(until);
    error_code ignored;
    co_await state_timer_.async_wait(asio::redirect_error(use_task, ignored));
  }
  if (!up()) co_return std::unexpected(last_error_);
  co_return result<void>{};
}

task<> connection::run(std::uint64_t life) {
  backoff pauses;
  while (life == current_life_) {
    auto const logged_in = co_await connect();
    if (life != current_life_) {
      // Stopped while it was under way: an open connection would keep the io_context running for ever.
      if (!wanted_) drop(closed_here());
      break;
    }
    if (logged_in) {
      auto why = co_await wire_->read();
      if (life != current_life_) break;
      if (why.code != errc::not_connected) why.text += hint(why.text);
      // Let in and refused at once is as good as not let in: the pauses go on growing, and the same refusal is told
      // once.
      if (why.code != errc::server_error || exchange::clock::now() - wire_->login_at() > backoff::longest) {
        pauses.reset();
        last_error_ = {};
      }
      report_loss(why);
      give_up(why);
    } else {
      report_failure(logged_in.error());
      wire_->counts().failures.fetch_add(1, std::memory_order_relaxed);
      give_up(logged_in.error());
    }
    if (life != current_life_) break;
    pause_timer_.expires_after(pauses.next());
    error_code ignored;
    co_await pause_timer_.async_wait(asio::redirect_error(use_task, ignored));
  }
}

task<result<void>> connection::connect() {
  tls::context secure;
  if (where_.tls) {
    // Read at each connect, so that a renewed certificate counts from the next one on.
    auto made = tls::client_context(where_.files);
    if (!made) co_return std::unexpected(made.error());
    secure = std::move(*made);
  }
  if (!where_.sentinels.empty()) {
    auto const found = co_await find_master(wire_->plain(), where_, secure, first_sentinel_);
    if (!found) co_return std::unexpected(found.error());
    if (where_.host != found->host || where_.port != found->port) {
      log::info("redis.master", {{"name", where_.master}, {"host", found->host}, {"port", found->port}});
    }
    where_.host = found->host;
    where_.port = found->port;
  }
  result<void> open;
  if (where_.unix_path.empty())
    open = co_await dial(wire_->plain(), {where_.host, where_.port}, secure, where_.connect_deadline);
  else open = co_await dial(wire_->plain(), where_.unix_path, where_.connect_deadline);
  if (!open) {
    auto const master =
        where_.sentinels.empty() ? std::string{} : fmt::format(" (master {}:{})", where_.host, where_.port);
    co_return fail(open.error().code,
                   fmt::format("cannot connect to {}{}: {}", where_.to_string(), master, open.error().text));
  }
  wire_->opened();
  co_return co_await log_in();
}

task<result<void>> connection::log_in() {
  // Shared: when the login fails, the handlers are called after this frame is gone.
  struct answers {
    std::optional<result<reply>> hello, replication;
  };
  auto const got = std::make_shared<answers>();
  wire_->submit(login_request(where_), [got](result<reply> r) { got->hello = std::move(r); });
  wire_->submit(replication_request(), [got](result<reply> r) { got->replication = std::move(r); });
  // The answers are read here, since the read loop runs only on a connection that is logged in.
  while (!got->hello || !got->replication) {
    auto const read = co_await wire_->read_once(where_.connect_deadline);
    if (read) continue;
    auto why = read.error();
    if (why.code == errc::timeout) {
      co_return fail(errc::not_connected, fmt::format("{} did not answer the login within {} ms", where_.to_string(),
                                                      where_.connect_deadline.count()));
    }
    // TLS 1.3 tells a client without a certificate only after the handshake.
    if (why.code == errc::not_connected && where_.tls && where_.files.cert.empty())
      why.text += "; a Redis that wants certificates of its clients does that: --redis-cert shows one";
    co_return std::unexpected(std::move(why));
  }
  if (!*got->hello) co_return std::unexpected(got->hello->error());
  auto const judged = judge_login(where_, **got->hello, *got->replication);
  if (!judged) {
    if (judged.error().code == errc::not_connected) ++first_sentinel_;
    co_return std::unexpected(judged.error());
  }
  bool const other_data = !history_.empty() && !judged->history.empty() && history_ != judged->history;
  if (!judged->history.empty()) history_ = judged->history;
  is_master_ = judged->is_master;
  wire_->logged_in();
  log::debug("redis.connected", {{"redis", where_.to_string()}, {"database", where_.database}});
  if (login_request_.commands() > 0) wire_->submit(login_request_, [](result<reply> const&) {});
  state_timer_.cancel();
  if (other_data && data_handler_) data_handler_();
  if (state_handler_) state_handler_(true);
  co_return result<void>{};
}

// The same reason is told once.
void connection::report_loss(error const& why) const {
  if (last_error_.text == why.text) return;
  log::warn("redis.lost", {{"redis", where_.to_string()}, {"database", where_.database}, {"reason", why.text}});
}

void connection::report_failure(error const& why) const {
  if (last_error_.text == why.text) return;
  // Redis is there, and reads its file: there is nothing to do but to wait.
  bool const loads = why.text.contains(": LOADING ");
  log::event(loads ? log::level::info : log::level::warn, loads ? "redis.loading" : "redis.unreachable",
             {{"redis", where_.to_string()}, {"reason", why.text}});
}

void connection::give_up(error const& why) {
  last_error_ = why;
  drop(why);
}

void connection::drop(error const& why) {
  bool const was_up = wire_->close(why);
  if (was_up && state_handler_) state_handler_(false);
}

void connection::reconnect(error why) {
  if (up()) wire_->end(std::move(why));
}

// When the master has become a replica, the master of now is found by connecting anew. A server that was a replica at
// the login is left now and then only: reads still have their answers from it.
void connection::no_writes(std::string_view refusal) {
  if (!is_master_ && exchange::clock::now() - wire_->login_at() < backoff::longest) return;
  wire_->end({errc::server_error, fmt::format("Redis takes no writes: {}", refusal)});
}

}  // namespace hiky::redis
