// SPDX-License-Identifier: Apache-2.0
// What a worker's modes have judged, and what that took.
#pragma once
#include <array>

#include "auth/authenticator.hpp"
#include "base/counter.hpp"

namespace hiky::auth {

enum class mode : std::uint8_t { jwt, session, open };
inline constexpr std::size_t modes = 3;

struct counters {
  std::array<std::array<counter, outcomes>, modes> judged;  // by mode and outcome
  counter jwks_fetches, jwks_failures;
};

}  // namespace hiky::auth
