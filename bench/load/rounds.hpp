// SPDX-License-Identifier: Apache-2.0
// Several rounds of one load become one outcome.
#pragma once
#include <span>
#include <vector>

#include "outcome.hpp"

namespace hiky::load {

double median(std::vector<double> values);

// One outcome for each server, scenario, way of sending and load, in the order in which they first come. Each figure is
// the median over the rounds, and `rounds` is their number where there are several. A failure in one round is a
// failure.
std::vector<outcome> join_rounds(std::span<outcome const> all);

}  // namespace hiky::load
