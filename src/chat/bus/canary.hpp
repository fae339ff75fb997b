// SPDX-License-Identifier: Apache-2.0
// Whether the subscription lives. A PING shows that Redis answers; only a message that comes back shows that what is
// published reaches this process. And whether another process lives under this instance's name. Lives on the bus's
// thread; `comes_back` and `lag` may be called from any.
#pragma once
#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

#include "base/async.hpp"
#include "redis/client.hpp"

namespace hiky::chat {

class canary {
 public:
  // Publishes over `connection` on `channel`, to which the connection is subscribed.
  canary(redis::client& connection, std::string channel);

  // Between them, `watch` publishes a canary every second. Where none comes back, the connection is made anew.
  void start() { running_ = true; }
  void stop() { running_ = false; }
  task<> watch();
  // A canary came over the channel.
  void came(std::string_view text);
  // Before `start`. Waits a while for another process that answers to this name.
  task<bool> has_twin();

  bool comes_back() const { return comes_back_; }
  // How long the latest canary took through Redis and back.
  std::chrono::nanoseconds lag() const { return std::chrono::nanoseconds{lag_ns_.load(std::memory_order_relaxed)}; }

 private:
  using time = std::chrono::steady_clock::time_point;

  redis::client& client_;
  std::string channel_, text_;
  time last_, sent_;
  std::atomic<bool> comes_back_{true};
  std::atomic<std::int64_t> lag_ns_{0};
  bool running_ = false;
  bool twin_ = false;  // a canary of another process came
};

}  // namespace hiky::chat
