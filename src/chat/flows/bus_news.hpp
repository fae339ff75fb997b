// SPDX-License-Identifier: Apache-2.0
// Hands the bus's news for this worker to sessions, and acts on news about a session itself. One per worker.
#pragma once
#include <chrono>
#include <vector>

#include "chat/bus/bus.hpp"
#include "chat/flows/announced_entries.hpp"
#include "chat/flows/doubts.hpp"
#include "chat/flows/endings.hpp"
#include "chat/flows/mail_flow.hpp"
#include "chat/flows/session_audit.hpp"
#include "chat/flows/subscriptions.hpp"
#include "chat/hub.hpp"
#include "chat/session.hpp"
#include "chat/upkeep/watches.hpp"

namespace hiky::chat {

class bus_news {
 public:
  bus_news(hub& here, subscriptions& heard, session_audit& audit, doubts& doubtful, announced_entries& entered,
           mail_flow& mail, endings& ends, watches& watched);

  // For each message that was handed to a session here, `came` gets the time at which the message came from its client.
  void deliver(bus::batch const& messages, std::vector<std::chrono::steady_clock::time_point>& came);

 private:
  void tell(session& s, bus_message const& about);
  void leave(session& s, notice::left const& about);
  void enter(session& s, notice::entry const& about);

  hub& hub_;
  subscriptions& subscriptions_;
  session_audit& audit_;
  doubts& doubts_;
  announced_entries& entries_;
  mail_flow& mail_;
  endings& endings_;
  watches& watches_;
};

}  // namespace hiky::chat
