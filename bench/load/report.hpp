// SPDX-License-Identifier: Apache-2.0
// Outcomes and verdicts as people and as machines read them.
#pragma once
#include <span>
#include <string>

#include "outcome.hpp"

namespace hiky::load {

// One line per outcome, then one per target, then one per failure.
std::string as_table(std::span<outcome const> all);

// {"outcomes": [{server, scenario, sends, load, note, failure, figures by name}], "targets": [{what, target, measured,
// pass}]}; pass is null where servers are compared and no target is set.
std::string as_json(std::span<outcome const> all);

}  // namespace hiky::load
