// SPDX-License-Identifier: Apache-2.0
// The room of a message. A messageId names an epoch and not the room; the room whose head has the epoch is the one.
#pragma once
#include <optional>

#include "base/ids.hpp"
#include "redis/client.hpp"
#include "state/chat/room_log.hpp"

namespace hiky::state {

// not_found: no room has the epoch, or the room has not counted so far; the text says which. With `room`, that room
// alone is looked at. Otherwise SCAN over the heads of all rooms, and HMGET.
task<result<room_id>> find_room_of(redis::client& redis, message_place place, std::optional<room_id> room);

}  // namespace hiky::state
