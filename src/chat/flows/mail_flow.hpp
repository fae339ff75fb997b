// SPDX-License-Identifier: Apache-2.0
// What waited for a user, from the claim to its confirmation. Nothing is deleted before it has arrived. One per worker.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "chat/counters.hpp"
#include "chat/flows/doubts.hpp"
#include "chat/flows/letter.hpp"
#include "chat/flows/replay.hpp"
#include "chat/protocol/protocol.hpp"
#include "chat/requests/answers.hpp"
#include "chat/requests/turns.hpp"
#include "chat/session.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

class mail_flow {
 public:
  mail_flow(asio::any_io_executor executor, state::store& store, turns& turn, doubts& doubtful, replay& sent,
            answers& out, counters& count);

  // In the session's turn: sends what waited for the user, oldest first unless the client wants it otherwise. Messages
  // that the client has on this connection, or is being sent otherwise, are not sent again, but confirmed with the
  // rest.
  task<> deliver(session_ptr s);
  // Mail that came to be while the user was online (another connection has ended and had perhaps not received it):
  // delivered now, or when the session can take it.
  void fetch(session& s);
  // The same of mail that could not be taken before.
  void fetch_waiting(session& s);
  void take_ack(session& s, offline_ack const& ack);

 private:
  task<result<state::claimed_mail>> claim(session_ptr s);
  task<> await_coming(session_ptr s, std::vector<letter> const& letters);
  struct sorted {
    std::vector<std::string> ids;  // of all; empty for those that are not shown
    // For each message that is shown: how many of `ids` it and those before it are.
    std::vector<std::size_t> shown_up_to;
  };
  sorted sort(session& s, state::claimed_mail& mail, std::vector<letter> letters);
  task<bool> send(session_ptr s, state::claimed_mail mail, std::vector<std::size_t> shown_up_to);
  void confirm(session& s, std::size_t count);
  void claim_later(session& s);
  task<> confirm_in_redis(session_ptr s, std::size_t arrived, std::int64_t dropped);

  asio::any_io_executor ex_;
  state::store& store_;
  turns& turns_;
  doubts& doubts_;
  replay& replay_;
  answers& answers_;
  counters& count_;
  std::uint32_t last_number_ = 0;
};

}  // namespace hiky::chat
