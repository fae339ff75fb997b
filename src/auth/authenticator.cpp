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

// Nothing is tried twice: the text before the first `*` and the text behind the last one have their places, and every
// text in between is taken where it stands first. A connection asks for hundreds of rooms, of 256 patterns.
// state/scripts/lib/room_globs.lua decides alike.
bool matches(std::string_view pattern, std::string_view text) {
  auto const first = pattern.find('*');
  if (first == std::string_view::npos) return pattern == text;
  auto const last = pattern.rfind('*');
  auto const head = pattern.substr(0, first), tail = pattern.substr(last + 1);
  if (text.size() < head.size() + tail.size() || !text.starts_with(head) || !text.ends_with(tail)) return false;
  text = text.substr(head.size(), text.size() - head.size() - tail.size());
  for (auto between = pattern.substr(first, last - first); !between.empty();) {
    between.remove_prefix(1);
    auto const part = between.substr(0, between.find('*'));
    auto const at = part.size() == 1 ? text.find(part.front()) : text.find(part);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + part.size());
    between.remove_prefix(part.size());
  }
  return true;
}

}  // namespace hiky::auth
