// SPDX-License-Identifier: Apache-2.0
// Rooms that users have entered by other means than a session of theirs here (another device, the HTTP API), and since
// when, as notices tell. The session enters them when it is compared with Redis. One per worker.
#pragma once
#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "chat/session.hpp"

namespace hiky::chat {

class announced_entries {
 public:
  // `at_ms`: Redis TIME.
  void add(session const& s, room_id room, std::int64_t at_ms) { told_[&s].emplace_back(std::move(room), at_ms); }
  // Since when the user takes part in the room, by the latest notice; 0: there was none.
  std::int64_t since(session const& s, room_id const& room) const {
    auto const found = told_.find(&s);
    if (found == told_.end()) return 0;
    auto const latest = std::ranges::find(found->second.rbegin(), found->second.rend(), room, &told::first);
    return latest == found->second.rend() ? 0 : latest->second;
  }
  // The session is as Redis says, or has ended.
  void forget(session const& s) { told_.erase(&s); }

 private:
  using told = std::pair<room_id, std::int64_t>;
  std::unordered_map<session const*, std::vector<told>> told_;
};

}  // namespace hiky::chat
