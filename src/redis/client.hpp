// SPDX-License-Identifier: Apache-2.0
// One connection to Redis that keeps itself up: connects, logs in, selects its database, and comes back after a loss.
// Every request is pipelined with the others that are under way, and answered within its deadline, also when
// Redis is silent.
// Lives on one executor (one thread, or a strand): no locks.
#pragma once
#include <functional>
#include <memory>
#include <span>

#include "base/async.hpp"
#include "redis/address.hpp"
#include "redis/counters.hpp"
#include "redis/exchange.hpp"
#include "redis/reply.hpp"
#include "redis/request.hpp"

namespace hiky::redis {

class connection;

class client {
 public:
  client(asio::any_io_executor executor, address where);
  ~client();
  client(client const&) = delete;
  client& operator=(client const&) = delete;

  // Starts connecting and keeps at it, with backoff and jitter, until stop().
  void start();
  // Ends the connection; requests that still wait are answered with not_connected. start() may follow.
  void stop();
  // Ends the connection, and a new one is made: for a caller that knows that this one is of no use.
  void reconnect(error why);

  bool connected() const;
  // Waits for the connection, at most `patience`. Otherwise the error of the last try.
  task<result<void>> wait_connected(std::chrono::milliseconds patience);

  // Sends one request (one or more commands) and gives its reply.
  // not_connected: not sent, or the connection was lost before the answer; a command that writes may then have run.
  // timeout: no answer within the deadline. overloaded: refused. server_error: Redis refused one of the commands.
  task<result<reply>> exec(request r);
  // The same, without a copy; `r` must live as long as the task.
  task<result<reply>> exec_kept(request const& r);
  // The same, with error replies left in place, for batches in which one failure must not hide the rest.
  task<result<reply>> exec_each(request r);

  // Whether Redis answers anything at all within `patience`, be it with an error.
  task<bool> answers(std::chrono::milliseconds patience);

  // SUBSCRIBE or UNSUBSCRIBE, confirmed by pushes. Dropped when there is no connection. A refusal ends the connection,
  // so that on_state's handler asks for everything again.
  void send(request const& r);
  // Sent after each login, ahead of everything else; its answers are not looked at. Set before start().
  void on_login(request r);
  // Set before start(). `batch_end` follows each read that held pushes.
  void on_push(exchange::push_handler handler, std::function<void()> batch_end);
  // Called with true after each login, and with false after each loss.
  void on_state(std::function<void(bool)> handler);
  // Called after a login, ahead of on_state's handler, when the data may be other than at the login before: Redis was
  // started anew, or a replica has become the master. It may be the same, older, or none.
  void on_other_data(std::function<void()> handler);

  address const& where() const;
  counters const& counts() const;
  asio::any_io_executor executor() const;

 private:
  task<result<reply>> each_kept(request const& r);
  std::shared_ptr<connection> connection_;  // outlives the client while its coroutines unwind
};

}  // namespace hiky::redis
