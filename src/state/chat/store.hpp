// SPDX-License-Identifier: Apache-2.0
// All that the chat keeps in Redis's WebSocket database, over one connection.
#pragma once
#include "state/chat/announcements.hpp"
#include "state/chat/connection_lists.hpp"
#include "state/chat/connections.hpp"
#include "state/chat/leases.hpp"
#include "state/chat/mailbox.hpp"
#include "state/chat/members.hpp"
#include "state/chat/presence.hpp"
#include "state/chat/room_log.hpp"
#include "state/chat/typing_marks.hpp"

namespace hiky::state {

struct store {
  // Before redis.start(): has all scripts loaded at each login.
  store(redis::client& redis, int database, room_log_limits limits = {},
        std::chrono::milliseconds grace = std::chrono::seconds{5}, std::size_t connections_per_user = 0,
        std::chrono::milliseconds lease = std::chrono::seconds{15});

  state::connections connections;
  state::connection_lists lists;
  state::presence presence;
  state::announcements announcements;
  state::leases leases;
  state::members members;
  state::room_log room_log;
  state::mailbox mailbox;
  typing_marks typing;
};

}  // namespace hiky::state
