// SPDX-License-Identifier: Apache-2.0
// The work of a client in numbers: written by its thread, readable from any.
#pragma once
#include <atomic>
#include <cstdint>

#include "base/histogram.hpp"

namespace hiky::redis {

struct counters {
  std::atomic<std::uint64_t> requests{0}, connects{0}, failures{0};
  histogram round_trips;  // from a request's submit to its answer
};

}  // namespace hiky::redis
