// SPDX-License-Identifier: Apache-2.0
#include "rate_search.hpp"

#include <cmath>

namespace hiky::load {
namespace {
constexpr double lowest = 10, highest = 1e6;  // messages a second
constexpr double near_enough = 1.05;          // between a rate that fails and the best one
}  // namespace

void rate_search::tell(bool sustained) {
  if (!sustained && !second_try_) {
    second_try_ = true;
    return;
  }
  second_try_ = false;
  (sustained ? best_ : worst_) = rate_;
  if (worst_ == 0) rate_ = 2 * best_;
  else if (best_ == 0) rate_ = worst_ / 2;
  else rate_ = worst_ / best_ <= near_enough ? 0 : std::round(std::sqrt(best_ * worst_));
  if (rate_ < lowest || rate_ > highest) rate_ = 0;
}

}  // namespace hiky::load
