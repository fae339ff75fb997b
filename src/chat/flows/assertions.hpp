// SPDX-License-Identifier: Apache-2.0
// Puts sessions into Redis again: all of them when Redis has lost its data, one of them when it was taken out. Clients
// notice nothing. One per worker.
#pragma once
#include <chrono>
#include <span>
#include <vector>

#include "chat/flows/data_losses.hpp"
#include "chat/flows/endings.hpp"
#include "chat/flows/mail_flow.hpp"
#include "chat/flows/subscriptions.hpp"
#include "chat/hub.hpp"
#include "chat/requests/turns.hpp"
#include "chat/session.hpp"
#include "chat/upkeep/watches.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

class assertions {
 public:
  assertions(asio::any_io_executor executor, instance_id const& instance, state::store& store, hub& here,
             data_losses& losses, turns& turn, endings& ends, subscriptions& heard, watches& watched, mail_flow& mail);

  // Redis has lost all sessions: spread over `spread`. A session that sends a request or ends meanwhile is put there
  // first.
  void assert_all(std::chrono::milliseconds spread);
  // In the session's turn.
  task<result<void>> assert_session(session_ptr s);
  // The same, tried once. A failure is left to assert_all, and the client's request gets its answer without it.
  task<> try_session(session_ptr s);
  // Another program on the same Redis takes a user offline with its own last connection. For ever, every `pause`: users
  // with sessions here that do not count as online are put there again.
  task<> keep_online(std::chrono::milliseconds pause);

 private:
  task<> run(std::chrono::milliseconds spread);
  void take_rooms(session& s, std::vector<room_id> rooms, std::vector<room_id> const& before);
  task<result<std::size_t>> find_offline(std::span<session_ptr const> some);

  asio::any_io_executor ex_;
  instance_id const& instance_;
  state::store& store_;
  hub& hub_;
  data_losses& losses_;
  turns& turns_;
  endings& endings_;
  subscriptions& subscriptions_;
  watches& watches_;
  mail_flow& mail_;
};

}  // namespace hiky::chat
