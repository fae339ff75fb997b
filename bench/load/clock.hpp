// SPDX-License-Identifier: Apache-2.0
// The one clock of the load generator: monotonic nanoseconds, cheap enough to read for every delivery.
#pragma once
#include <cstdint>
#include <ctime>

namespace hiky::load {

inline std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

inline constexpr std::int64_t ns_per_ms = 1'000'000;
inline constexpr std::int64_t ns_per_second = 1'000'000'000;

}  // namespace hiky::load
