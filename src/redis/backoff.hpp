// SPDX-License-Identifier: Apache-2.0
// The pauses between tries to connect: longer from try to try, and never the same on two instances.
#pragma once
#include <algorithm>
#include <chrono>
#include <random>

namespace hiky::redis {

class backoff {
 public:
  static constexpr std::chrono::milliseconds first{50}, longest{2000};

  explicit backoff(std::minstd_rand::result_type seed = std::random_device{}()) : random_(seed) {}

  // The pause before the next try. Jitter (half of it at most): instances that lost the same Redis must not all come
  // back in the same instant.
  std::chrono::milliseconds next() {
    auto const pause = std::uniform_int_distribution<long>(pause_.count() / 2, pause_.count())(random_);
    pause_ = std::min(pause_ * 2, longest);
    return std::chrono::milliseconds{pause};
  }
  // A connection was of use: the next pause is a short one again.
  void reset() { pause_ = first; }

 private:
  std::chrono::milliseconds pause_{first};
  std::minstd_rand random_;
};

}  // namespace hiky::redis
