// SPDX-License-Identifier: Apache-2.0
// Ends membership and mailbox of users who have not been seen for long (--forget-absent), in small steps: Redis serves
// others in between. One per process. Several processes look at the same users; the second one finds nothing left to
// do.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/async.hpp"
#include "base/error.hpp"
#include "state/chat/absentees.hpp"
#include "state/chat/members.hpp"

namespace hiky::chat {

class forgetter {
 public:
  forgetter(redis::client& redis, state::members& members, std::chrono::seconds long_ago);

  // Until stop(). Returns at once when nobody is to be forgotten.
  task<> run();
  void stop() { running_ = false; }

  // From any thread.
  std::uint64_t users() const { return users_.load(std::memory_order_relaxed); }
  std::uint64_t memberships() const { return memberships_.load(std::memory_order_relaxed); }

 private:
  task<result<void>> step();
  task<result<void>> forget(user_id user, std::size_t& budget);

  redis::client& redis_;
  state::absentees absentees_;
  state::members& members_;
  std::chrono::seconds const long_ago_;
  std::string cursor_{"0"};
  bool at_end_ = false;  // all users have been looked at
  std::chrono::steady_clock::time_point complain_from_{};
  std::atomic<std::uint64_t> users_{0}, memberships_{0};
  bool running_ = true;
};

}  // namespace hiky::chat
