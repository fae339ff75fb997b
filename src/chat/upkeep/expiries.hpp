// SPDX-License-Identifier: Apache-2.0
// Ends connections whose identity has expired, with 4401. One per worker, one timer for all of its connections.
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <set>
#include <utility>

#include "base/async.hpp"
#include "chat/counters.hpp"
#include "chat/session.hpp"

namespace hiky::chat {

inline constexpr std::uint16_t close_unauthorized = 4401;

class expiries {
 public:
  // `look_first` is asked when the end of a session is due; with true it takes care of the connection.
  expiries(asio::any_io_executor const& executor, counters& count, std::function<bool(session&)> look_first)
      : timer_(executor), count_(count), look_first_(std::move(look_first)) {}
  // Waits for the end of the session's grant, in the place of the end that was awaited before.
  void set(session& s, std::optional<std::chrono::sys_seconds> before);
  // The same grant ends at another time.
  void put_off(session& s, std::optional<std::chrono::sys_seconds> until);
  void end(session& s);
  // The session is not ended from here any more. Harmless when it would not be.
  void remove(session& s);

 private:
  using entry = std::pair<std::chrono::sys_seconds, session*>;
  void arm();

  // By the wall clock, since tokens use it. Looks again at least once a minute, because the clock may be set.
  asio::steady_timer timer_;
  std::set<entry> waiting_;
  counters& count_;
  std::function<bool(session&)> look_first_;
};

}  // namespace hiky::chat
