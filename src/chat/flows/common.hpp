// SPDX-License-Identifier: Apache-2.0
// Questions of several flows about a session and its rooms. Only for chat/flows.
#pragma once
#include <algorithm>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "chat/session.hpp"
#include "state/chat/connections.hpp"

namespace hiky::chat {

// Of one question to Redis, while notices come that are newer than its answer.
inline constexpr int most_rounds = 4;

// Those of `rooms` to which the session may be subscribed.
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

// A session's connection, as Redis is told of it.
inline state::connection_details details_of(session const& s, instance_id const& instance) {
  return {s.id,
          instance,
          s.user,
          iso8601_now(),
          s.remote_address(),
          std::string{s.user_agent()},
          s.grant ? s.grant->rooms : std::nullopt};
}

}  // namespace hiky::chat
