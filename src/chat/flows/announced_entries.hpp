// SPDX-License-Identifier: Apache-2.0
// Rooms that users have entered by other means than a session of theirs here (another device, the HTTP API), and since
// when, as notices tell. The session enters them when it is compared with Redis. One per worker.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/ids.hpp"
#include "chat/session.hpp"

namespace hiky::chat {

class announced_entries {
 public:
  // `at_ms`: Redis TIME. A later notice of the same room counts instead of an earlier one.
  void add(session const& s, room_id const& room, std::int64_t at_ms) { told_[&s].insert_or_assign(room.str(), at_ms); }
  // Since when the user takes part in the room, by the latest notice; 0: there was none.
  std::int64_t since(session const& s, room_id const& room) const {
    auto const found = told_.find(&s);
    if (found == told_.end()) return 0;
    auto const at_ms = found->second.find(room.str());
    return at_ms == found->second.end() ? 0 : at_ms->second;
  }
  // The session is as Redis says, or has ended.
  void forget(session const& s) { told_.erase(&s); }

 private:
  std::unordered_map<session const*, std::unordered_map<std::string, std::int64_t>> told_;
};

}  // namespace hiky::chat
