// SPDX-License-Identifier: Apache-2.0
// Wall time as the document writes it.
#pragma once
#include <chrono>
#include <string>

namespace hiky {

// `2026-01-31T12:00:00.123Z`: what JavaScript's `new Date(ms).toISOString()` prints. UTC, milliseconds.
std::string iso8601(std::chrono::system_clock::time_point when);

inline std::string iso8601_now() { return iso8601(std::chrono::system_clock::now()); }

}  // namespace hiky
