// SPDX-License-Identifier: Apache-2.0
// The judgements of a worker's modes, and the time that they took.
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
