// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/session.hpp"

#include <chrono>

namespace hiky::ctl {

using namespace std::chrono_literals;

task<result<void>> connect(redis::client& redis) {
  redis.start();
  auto const until = std::chrono::steady_clock::now() + redis.where().connect_deadline + redis.where().deadline + 500ms;
  for (;;) {
    auto up = co_await redis.wait_connected(20ms);
    if (up) co_return up;
    if (redis.counts().failures > 0 || std::chrono::steady_clock::now() >= until) co_return up;
  }
}

}  // namespace hiky::ctl
