// SPDX-License-Identifier: Apache-2.0
// The targets of a run, whether the run reached them, and the comparison with other servers. The only place that knows
// the numbers.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "outcome.hpp"

namespace hiky::load {

struct verdict {
  std::string title;  // of the outcome, with the kind of hiky if there are several
  std::string target;  // as a person reads it: "p50 ≤ 0.15 ms"
  double measured = 0;
  std::optional<bool> pass;  // none: a comparison that has no target
};

// Only hiky is judged: the server of this name, or "hiky " and how it was run. It is compared with every other server
// in `all` that had the same load and did not fail.
std::vector<verdict> judge(std::span<outcome const> all);

}  // namespace hiky::load
