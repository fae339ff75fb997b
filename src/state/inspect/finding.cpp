// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/finding.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hiky::state {

json::array to_json(std::vector<finding> const& findings) {
  json::array out;
  for (auto const& f : findings) {
    json::object one{{"kind", f.kind}, {"key", f.key}, {"found", f.found}, {"expected", f.expected}};
    one["repaired"] = f.repaired.empty() ? json::value(nullptr) : json::value(f.repaired);
    out.push_back(std::move(one));
  }
  return out;
}

finding make_finding(std::span<finding_text const> all, std::string_view kind, std::string_view first,
                     std::string_view second, bool repaired) {
  auto const found = std::ranges::find(all, kind, &finding_text::kind);
  if (found == all.end()) return {std::string{kind}, "", std::string{first}, "", ""};
  auto const filled = [&](std::string_view text) { return fmt::format(fmt::runtime(text), first, second); };
  return {std::string{kind}, filled(found->key), filled(found->found), filled(found->expected),
          repaired ? filled(found->repaired) : ""};
}

}  // namespace hiky::state
