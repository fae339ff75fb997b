// SPDX-License-Identifier: Apache-2.0
// A connection to Redis that keeps itself up: finds the master, connects, logs in, reads, and begins again after a
// loss. The traffic is its wire's; the judgement of a login is redis/login's. Its coroutine keeps it alive.
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>

#include "base/async.hpp"
#include "redis/address.hpp"
#include "redis/wire.hpp"

namespace hiky::redis {

class connection : public std::enable_shared_from_this<connection> {
 public:
  connection(asio::any_io_executor executor, address where);

  void start();
  void stop();
  // Until it is up, at most `patience`. Otherwise the error of the last try.
  task<result<void>> wait_up(std::chrono::milliseconds patience);
  bool up() const { return wire_->up(); }
  // Why the last try to connect failed, or the last connection was lost.
  error const& last_error() const { return last_error_; }

  // For a caller that knows that the connection is of no use: a new one is made.
  void reconnect(error why);
  // Redis refused a command because it takes no writes (READONLY).
  void no_writes(std::string_view refusal);

  // As `client` has them. Set before start().
  void on_login(request r) { login_request_ = std::move(r); }
  void on_state(std::function<void(bool)> handler) { state_handler_ = std::move(handler); }
  void on_other_data(std::function<void()> handler) { data_handler_ = std::move(handler); }

  wire& traffic() { return *wire_; }
  address const& where() const { return where_; }
  asio::any_io_executor const& executor() const { return ex_; }

 private:
  task<> run(std::uint64_t life);
  task<result<void>> connect();
  task<result<void>> log_in();
  void report_loss(error const& why) const;
  void report_failure(error const& why) const;
  void give_up(error const& why);
  void drop(error const& why);

  asio::any_io_executor ex_;
  address where_;
  std::shared_ptr<wire> wire_;
  asio::steady_timer pause_timer_, state_timer_;
  std::function<void(bool)> state_handler_;
  std::function<void()> data_handler_;
  request login_request_;
  std::string history_;  // of the server's data at the last login (redis/login)
  error last_error_{errc::not_connected, "no connection yet"};
  std::uint64_t current_life_ = 0;
  std::size_t first_sentinel_ = 0;  // to ask
  bool wanted_ = false;             // started, and not stopped since
  bool is_master_ = false;
};

}  // namespace hiky::redis
