// SPDX-License-Identifier: Apache-2.0
// Wall time as the document writes it, and a clock for durations.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace hiky {

// `2026-01-31T12:00:00.123Z`, as JavaScript's `new Date(ms).toISOString()` prints it. UTC, milliseconds.
std::string iso8601(std::chrono::system_clock::time_point when);

inline std::string iso8601_now() { return iso8601(std::chrono::system_clock::now()); }

// Of the steady clock, in ms; begins anew every 50 days, so only differences mean something.
inline std::uint32_t now_ms(std::chrono::steady_clock::time_point when = std::chrono::steady_clock::now()) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count());
}

}  // namespace hiky
