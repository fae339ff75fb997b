// SPDX-License-Identifier: Apache-2.0
// The debt of an ending connection to its user: messages that Redis took for delivered, and of which the client has not
// shown that it received them.
#pragma once
#include <optional>
#include <vector>

#include "base/ids.hpp"
#include "state/chat/room_log.hpp"

namespace hiky::state {

// How far a connection has surely received a room, and to where it was given more; `to` 0: to the end.
struct heard_room {
  room_id room;
  // With epoch "" it received nothing yet, and seq is the Redis TIME since which it takes part; 0: since it began.
  message_place place;
  std::uint64_t to = 0;
};

struct unsure_mail {
  std::optional<std::int64_t> since_ms{};  // all messages of the user's rooms since then (Redis TIME)
  bool since_began = false;  // all their messages since the connection began
  std::vector<heard_room> heard{};  // the messages of these rooms after the place
  std::int64_t others_since_ms = 0;  // and those of the user's other rooms since then; 0: since it began
  std::vector<message_range> given{};  // of all these, the messages that the client was given, and so may have
};

}  // namespace hiky::state
