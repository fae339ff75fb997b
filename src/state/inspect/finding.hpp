// SPDX-License-Identifier: Apache-2.0
// A thing in Redis that no sequence of our scripts leaves behind.
#pragma once
#include <boost/json/array.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace hiky::state {

struct finding {
  std::string kind;      // a word for programs, like `ghost`
  std::string key;       // where it was found
  std::string found;     // the fault, a sentence
  std::string expected;  // the right state
  std::string repaired;  // the repair that was made; empty: none
};

json::array to_json(std::vector<finding> const& findings);

// The same in general: {0} and {1} stand for the things that it is about.
struct finding_text {
  std::string_view kind, key, found, expected, repaired;
};
// The finding of this kind, about `first` and `second`. A kind without a text (of a newer script) still is a finding.
finding make_finding(std::span<finding_text const> all, std::string_view kind, std::string_view first,
                     std::string_view second, bool repaired);

}  // namespace hiky::state
