// SPDX-License-Identifier: Apache-2.0
// The socket of a client and the traffic on it: requests of one turn leave in one write, answers come to the requests
// they belong to, and each request has its deadline. Refuses to know how a connection is made, how it logs in and when
// it is made anew: that is `connection`. Its timers keep it alive, so it is made with make_shared.
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "base/async.hpp"
#include "redis/counters.hpp"
#include "redis/dial.hpp"
#include "redis/exchange.hpp"

namespace hiky::redis {

class wire : public std::enable_shared_from_this<wire> {
 public:
  // `deadline` of each request, from submit to answer.
  wire(asio::any_io_executor executor, std::chrono::milliseconds deadline);

  // To be connected by dial; then opened() lets requests out.
  socket& plain() { return sock_; }
  void opened();
  // The login is done. From now on up() is true, until close().
  void logged_in();
  bool up() const { return up_; }  // from any thread

  // `then` is called exactly once, never from here: with the reply, timeout, overloaded, or not_connected.
  void submit(request const& r, exchange::done then);
  // SUBSCRIBE or UNSUBSCRIBE, confirmed by pushes.
  void submit_silent(request const& r);
  // `batch_end` follows each read that held pushes.
  void on_push(exchange::push_handler handler, std::function<void()> batch_end);

  // Reads once, within `patience`: timeout otherwise. Other errors as those of read().
  task<result<void>> read_once(std::chrono::milliseconds patience);
  // Reads until the connection is over, and gives the reason: not_connected, or an error of the exchange.
  task<error> read();

  // The connection is over: the read sees it. Nothing is sent any more: behind a hole in the stream everything would
  // mean something else.
  void end(error why);
  // Closes the socket; requests that still wait are answered with not_connected. Gives whether it was up.
  bool close(error const& why);

  exchange::clock::time_point login_at() const { return login_at_; }
  counters& counts() { return counts_; }

 private:
  error lost(boost::system::error_code ec) const;
  std::uint64_t connection_number() const { return counts_.connects; }
  void wake_writer();
  void write();
  void arm_deadline();
  void watch_silence(exchange::clock::time_point since);

  asio::any_io_executor ex_;
  std::chrono::milliseconds deadline_;
  socket sock_;
  exchange talk_;
  counters counts_;
  exchange::clock::time_point read_at_{}, login_at_{};
  asio::steady_timer deadline_timer_, silence_timer_;
  std::function<void()> batch_end_;
  std::optional<error> ended_;   // why we ended the connection that is open
  std::atomic<bool> up_{false};  // read by other threads, for readiness
  bool open_ = false, writing_ = false, flush_posted_ = false, armed_ = false, pushes_seen_ = false;
};

}  // namespace hiky::redis
