// SPDX-License-Identifier: Apache-2.0
// What the parts of flows share. Only for flows*.cpp.
#pragma once
#include <algorithm>
#include <chrono>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "chat/session.hpp"

namespace hiky::chat {

inline constexpr std::uint16_t close_flooding = 4429, close_try_again = 1013;

inline std::int64_t wall_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

inline std::string_view message_id_of(std::string_view frame) {
  auto const quoted = raw_member(frame, "messageId").value_or("\"\"");
  return quoted.substr(1, quoted.size() - 2);
}

// What a session may hear of `rooms`.
inline std::vector<room_id> permitted(session const& s, std::vector<room_id> rooms) {
  if (s.grant) std::erase_if(rooms, [&](room_id const& room) { return !s.grant->allows(room); });
  return rooms;
}

inline std::vector<room_id> rooms_of(session const& s) {
  std::vector<room_id> out;
  out.reserve(s.ledger.rooms().size());
  for (auto const& e : s.ledger.rooms()) out.emplace_back(*e.room->name);
  return out;
}

// Those of `rooms` that are not among `others`. Hundreds of each are compared, for every session.
inline std::vector<room_id> without(std::vector<room_id> rooms, std::vector<room_id> const& others) {
  std::vector<std::string_view> sorted{others.begin(), others.end()};
  std::ranges::sort(sorted);
  std::erase_if(rooms, [&](room_id const& room) { return std::ranges::binary_search(sorted, std::string_view{room}); });
  return rooms;
}

inline std::string typing_key(user_id const& user, room_id const& room) { return user.str() + '\n' + room.str(); }

}  // namespace hiky::chat
