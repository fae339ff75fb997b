// SPDX-License-Identifier: Apache-2.0
// Everything the chat does to Redis's WebSocket database, over one connection.
#pragma once
#include "state/announcements.hpp"
#include "state/connections.hpp"
#include "state/leases.hpp"
#include "state/mailbox.hpp"
#include "state/members.hpp"
#include "state/room_log.hpp"
#include "state/typing_marks.hpp"

namespace hiky::state {

struct store {
  // Before redis.start(): has all scripts loaded at each login.
  store(redis::client& redis, int database, room_log_limits limits = {}, std::chrono::milliseconds grace = std::chrono::seconds{5},
        std::size_t connections_per_user = 0, std::chrono::milliseconds lease = std::chrono::seconds{15});

  state::connections connections;
  state::announcements announcements;
  state::leases leases;
  state::members members;
  state::room_log room_log;
  state::mailbox mailbox;
  typing_marks typing;
};

}  // namespace hiky::state
