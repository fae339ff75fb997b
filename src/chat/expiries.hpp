// SPDX-License-Identifier: Apache-2.0
// Ends connections whose identity has expired, with 4401. One per worker, one timer for all of its connections.
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <set>
#include <utility>

#include "base/async.hpp"
#include "chat/session.hpp"

namespace hiky::chat {

inline constexpr std::uint16_t close_unauthorized = 4401;

class expiries {
 public:
  explicit expiries(asio::any_io_executor const& executor) : timer_(executor) {}
  // Waits for the end of what the session's grant says, in the place of what was waited for before.
  void set(session& s, std::optional<std::chrono::sys_seconds> before);
  // The session is not ended from here any more. Harmless when it would not be.
  void remove(session& s);

 private:
  using entry = std::pair<std::chrono::sys_seconds, session*>;
  void arm();

  // Of the wall clock, since that is what tokens are about. Looks again at least once a minute, lest the clock be set.
  asio::steady_timer timer_;
  std::set<entry> waiting_;
};

}  // namespace hiky::chat
