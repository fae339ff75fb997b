// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstdint>

namespace hiky {

struct token_bucket {
  float tokens = -1;  // negative: not used yet, which is full
  std::uint32_t last_ms = 0;
  // Takes one token; false when there is none. A rate of 0 is no limit.
  bool take(float rate, float burst, std::uint32_t now_ms) {
    if (rate <= 0) return true;
    tokens = tokens < 0 ? burst : std::min(burst, tokens + rate * static_cast<float>(now_ms - last_ms) / 1000.0F);
    last_ms = now_ms;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  }
  // Takes more tokens for a request that was let through, as far as there are more.
  void charge(float more) {
    if (tokens >= 0) tokens = std::max(0.0F, tokens - more);
  }
  bool is_full(float rate, float burst, std::uint32_t now_ms) const {
    return tokens < 0 || rate <= 0 || tokens + rate * static_cast<float>(now_ms - last_ms) / 1000.0F >= burst;
  }
};

}  // namespace hiky
