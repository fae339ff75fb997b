// SPDX-License-Identifier: Apache-2.0
// For work that holds Redis up: one piece at a time, in the order of asking, with as long a pause behind each as it
// took. Whoever else wants something of Redis waits for one piece at most, and half of its time stays theirs. One
// thread.
#pragma once
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <deque>

#include "base/async.hpp"

namespace hiky::chat {

class lane {
 public:
  using clock = std::chrono::steady_clock;
  // No piece of work takes so long; when Redis does not answer, those behind must not wait for each other's deadlines.
  static constexpr std::chrono::milliseconds longest{20};

  explicit lane(asio::any_io_executor const& executor) : opens_(executor, clock::time_point::min()) {}

  struct turn {
    std::uint64_t number = 0;  // 0: none was asked for
    clock::time_point began{};
  };
  task<turn> enter();
  // The work is done. Where that is never said, the lane opens after `longest`.
  void leave(turn const& t);

 private:
  void open_at(clock::time_point when);
  void let_in();

  asio::steady_timer opens_;  // its expiry: when the next may go
  std::deque<asio::any_completion_handler<void()>> waiting_;
  std::uint64_t entered_ = 0;
};

}  // namespace hiky::chat
