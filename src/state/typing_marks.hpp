// SPDX-License-Identifier: Apache-2.0
// Typing, set and announced in one step. `typing_users` holds the document's methods over the same keys.
#pragma once
#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

enum class typing_change { on, off, expired };

class typing_marks {
 public:
  typing_marks(redis::client& redis, int database) : redis_(redis), database_(database) {}

  // `expired` is an off that yields when another connection of the user has renewed the mark, and when the user is in the room no more. One round
  // trip: typing.lua
  task<result<void>> change(user_id user, room_id room, typing_change what);

 private:
  redis::client& redis_;
  int database_;
};

inline constexpr int typing_life_s = 10;  // the document's TTL

}  // namespace hiky::state
