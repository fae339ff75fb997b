// SPDX-License-Identifier: Apache-2.0
// From a client's frame to whatever carries out its request: what every request must pass (rates, a register before
// it, the rooms of a token) is looked at here, once. One per worker.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "chat/counters.hpp"
#include "chat/protocol/protocol.hpp"
#include "chat/requests/answers.hpp"
#include "chat/requests/flow_limits.hpp"
#include "chat/session.hpp"
#include "chat/user_rates.hpp"

namespace hiky::chat {

// The parts of a request beside its body.
struct asked {
  session_ptr by;
  std::optional<std::string> id;
  std::optional<user_id> user;
  std::chrono::steady_clock::time_point came;
};

// Carries out requests; one that awaits something takes the session's turn.
class request_handler {
 public:
  virtual void handle(asked a, register_request r) = 0;
  virtual void handle(asked a, join_room r) = 0;
  virtual void handle(asked a, leave_room r) = 0;
  virtual void handle(asked a, send_message r) = 0;
  virtual void handle(asked a, set_typing r) = 0;
  virtual void handle(asked a, get_online_status r) = 0;
  virtual void handle(asked a, get_history r) = 0;
  virtual void handle(asked a, offline_ack r) = 0;
  virtual void handle(asked a, refresh_identity r) = 0;
  virtual void handle(asked a, ping r) = 0;
  virtual void handle(asked a, get_participants r) = 0;
  virtual void handle(asked a, watch_presence r) = 0;

 protected:
  ~request_handler() = default;
};

class dispatch {
 public:
  dispatch(request_handler& to, answers& out, user_rates& rates, flow_limits const& limits, counters& count)
      : to_(to), answers_(out), rates_(rates), limits_(limits), count_(count) {}

  // The turn of this frame has come.
  void perform(session_ptr s, std::string_view text, std::chrono::steady_clock::time_point came);

 private:
  // Each of these says so to the client when it is false.
  bool within_rate_of_requests(session& s, request& r);
  bool within_rate_of_messages(session& s, request& r);
  bool may_ask(session& s, request& r);

  request_handler& to_;
  answers& answers_;
  user_rates& rates_;
  flow_limits const& limits_;
  counters& count_;
};

}  // namespace hiky::chat
