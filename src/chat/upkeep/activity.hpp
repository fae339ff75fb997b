// SPDX-License-Identifier: Apache-2.0
// Keeps `lastSeen` of active users current: one script for many users every few seconds, not a write per frame. One per
// worker.
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <vector>

#include "chat/session.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

class activity {
 public:
  activity(asio::any_io_executor executor, state::store& store, std::chrono::milliseconds every);

  // The session's user has sent something.
  void note(session& s);

 private:
  task<> tell(std::vector<session_ptr> seen);

  asio::any_io_executor ex_;
  state::store& store_;
  std::chrono::milliseconds every_;
  asio::steady_timer timer_;
  std::vector<session_ptr> seen_;  // since the last telling
};

}  // namespace hiky::chat
