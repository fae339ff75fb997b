// SPDX-License-Identifier: Apache-2.0
// The mail of a user, from the claim to its confirmation. No message is deleted before it has arrived. One per worker.
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

  // In the session's turn: sends the mail of the user, oldest first unless the client wants another order. Messages
  // that the client has on this connection, or that come to it on another way, are not sent again. They are confirmed
  // with the rest.
  task<> deliver(session_ptr s);
  // Messages were queued while the user was online (another connection has ended and had perhaps not received them):
  // they are delivered now, or when the session can take them.
  void fetch(session& s);
  // The same of mail that could not be taken before.
  void fetch_waiting(session& s);
  void take_ack(session& s, offline_ack const& ack);

 private:
  task<result<state::claimed_mail>> claim(session_ptr s);
  task<> await_coming(session_ptr s, std::vector<letter> const& letters);
  struct sorted {
    std::vector<std::string> ids;  // of all; empty for those that are not shown
    // For each message that is shown: the number of `ids` up to this message.
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
