// SPDX-License-Identifier: Apache-2.0
#include "gateway/http/header_list.hpp"

#include <algorithm>

namespace hiky::gateway {

bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view{"!#$%&'*+-.^_`|~"}.contains(c);
}

bool is_token(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_token_character); }

std::string_view trimmed(std::string_view text) {
  auto const first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

std::vector<std::string_view> elements_of(http_request const& r, http_field name) {
  std::vector<std::string_view> out;
  auto const [first, last] = r.equal_range(name);
  for (auto it = first; it != last; ++it) {
    for (std::string_view rest{it->value()}; !rest.empty();) {
      auto const end = std::min(rest.find(','), rest.size());
      if (auto const one = trimmed(rest.substr(0, end)); !one.empty()) out.push_back(one);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return out;
}

}  // namespace hiky::gateway
