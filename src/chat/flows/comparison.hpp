// SPDX-License-Identifier: Apache-2.0
// The rooms and the mail of one session, compared with Redis and put right. A comparison finds everything that a notice
// says. So a lost notice makes a session wrong for a while, and never for good. One per worker.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "chat/flows/announced_entries.hpp"
#include "chat/flows/assertions.hpp"
#include "chat/flows/data_losses.hpp"
#include "chat/flows/endings.hpp"
#include "chat/flows/late_entry.hpp"
#include "chat/flows/mail_flow.hpp"
#include "chat/flows/subscriptions.hpp"
#include "chat/hub.hpp"
#include "chat/session.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

// Nothing is to be put right.
bool agrees(session const& s, state::seen_by_redis const& seen);

class comparison {
 public:
  comparison(state::store& store, hub& here, data_losses const& losses, assertions& asserted, endings& ends,
             subscriptions& heard, late_entry& late, mail_flow& mail, announced_entries& entered);

  // In the session's turn, so that no request of its own changes its rooms meanwhile. True when it is right again.
  task<bool> compare(session_ptr s);
  // The session agrees with Redis, or did so at this Redis TIME.
  static void note_compared(session& s, std::int64_t redis_ms) { s.compared_ms.mine() = redis_ms; }

 private:
  // std::nullopt: Redis must be asked once more. `last`: its answer counts, though notices have come since.
  task<std::optional<bool>> compare_once(session_ptr s, bool last);
  bool dismiss(session& s, state::seen_by_redis const& seen);
  void leave_rooms(session& s, state::seen_by_redis const& seen, std::vector<room_id> const& before, bool outdated);
  task<bool> enter_rooms(session_ptr s, std::vector<room_id> rooms, std::int64_t now_ms);

  state::store& store_;
  hub& hub_;
  data_losses const& losses_;
  assertions& assertions_;
  endings& endings_;
  subscriptions& subscriptions_;
  late_entry& late_entry_;
  mail_flow& mail_;
  announced_entries& entries_;
};

}  // namespace hiky::chat
