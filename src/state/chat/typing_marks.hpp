// SPDX-License-Identifier: Apache-2.0
// Typing, set and announced in one step. `typing_users` holds the document's methods over the same keys.
#pragma once
#include <chrono>

#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

// `expired` is an off that yields to whoever has renewed or ended the mark meanwhile. So is `lost`, but Redis has lost
// data since the mark was made: of a mark that is not there the end is announced.
enum class typing_change { on, off, expired, lost };

class typing_marks {
 public:
  typing_marks(redis::client& redis, int database) : redis_(redis), database_(database) {}

  // Gives for how long the mark lives yet, 0 when it has ended: after `expired` and `lost`, whoever asked comes back
  // then. One round trip: typing.lua
  task<result<std::chrono::milliseconds>> change(user_id user, room_id room, typing_change what);
  // Ends marks that are overdue by more than `overdue`, of whatever instance; at most `most`, and gives how many. One
  // round trip: typing_sweep.lua
  task<result<std::size_t>> sweep(std::size_t most, std::chrono::milliseconds overdue);

 private:
  redis::client& redis_;
  int database_;
};

inline constexpr int typing_life_s = 10;  // the document's TTL

}  // namespace hiky::state
