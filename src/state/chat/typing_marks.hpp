// SPDX-License-Identifier: Apache-2.0
// Typing, set and announced in one step. `typing_users` holds the document's methods over the same keys.
#pragma once
#include <chrono>

#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

// `expired` is an off that does nothing if the mark was renewed or ended meanwhile. So is `lost`, but Redis has lost
// data since the mark was made: if the mark is not there, its end is announced.
enum class typing_change { on, off, expired, lost };

class typing_marks {
 public:
  typing_marks(redis::client& redis, int database) : redis_(redis), database_(database) {}

  // Gives for how long the mark lives yet, 0 when it has ended: after `expired` and `lost`, the caller comes back then.
  // One round trip: typing.lua
  task<result<std::chrono::milliseconds>> change(user_id user, room_id room, typing_change what);
  // Ends marks of any instance that are overdue by more than `overdue`, at most `most`, and gives their number. One
  // round trip: typing_sweep.lua
  task<result<std::size_t>> sweep(std::size_t most, std::chrono::milliseconds overdue);

 private:
  redis::client& redis_;
  int database_;
};

inline constexpr int typing_life_s = 10;  // the document's TTL

}  // namespace hiky::state
