// SPDX-License-Identifier: Apache-2.0
#include "auth/authenticator.hpp"

#include <algorithm>

namespace hiky::auth {

bool grant::allows(room_id const& room) const {
  return !rooms || std::ranges::any_of(*rooms, [&](std::string const& pattern) { return matches(pattern, room); });
}

std::string_view to_string(outcome o) {
  switch (o) {
    case outcome::accepted: return "accepted";
    case outcome::malformed: return "malformed";
    case outcome::forged: return "forged";
    case outcome::expired: return "expired";
    case outcome::claims: return "claims";
    case outcome::nobody: return "nobody";
    case outcome::unavailable: return "unavailable";
  }
  return "?";
}

// Goes back to the latest `*` alone, which is enough: time is at most the product of the lengths.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, after = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++after;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace hiky::auth
