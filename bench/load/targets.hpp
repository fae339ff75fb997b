// SPDX-License-Identifier: Apache-2.0
// What a run must reach, whether it did, and how it stands beside other servers. The only place that knows the numbers.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "outcome.hpp"

namespace hiky::load {

struct verdict {
  std::string title;  // of the outcome
  std::string target;  // as a person reads it: "p50 ≤ 0.15 ms"
  double measured = 0;
  std::optional<bool> pass;  // none: a comparison that has no target
};

// Only the server named hiky is judged, and compared with every other server in `all` that had the same load.
std::vector<verdict> judge(std::span<outcome const> all);

}  // namespace hiky::load
