// SPDX-License-Identifier: Apache-2.0
// A session begins. Rule 4 of the state design: subscribe, become visible, then answer, then mail, then the frames that
// came in between. One per worker.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chat/counters.hpp"
#include "chat/flows/comparison.hpp"
#include "chat/flows/doubts.hpp"
#include "chat/flows/endings.hpp"
#include "chat/flows/going_online.hpp"
#include "chat/flows/identity_flow.hpp"
#include "chat/flows/mail_flow.hpp"
#include "chat/flows/presence_flow.hpp"
#include "chat/flows/recoveries.hpp"
#include "chat/flows/replay.hpp"
#include "chat/flows/session_audit.hpp"
#include "chat/hub.hpp"
#include "chat/protocol/protocol.hpp"
#include "chat/requests/answers.hpp"
#include "chat/requests/flow_limits.hpp"
#include "chat/session.hpp"
#include "chat/user_rates.hpp"

namespace hiky::chat {

class register_flow {
 public:
  // The parts that a register goes through, in this order.
  struct steps {
    identity_flow& identity;
    endings& ends;
    going_online& online;
    recoveries& logs;
    replay& sent;
    mail_flow& mail;
    comparison& compared;
    presence_flow& presence;
  };
  register_flow(asio::any_io_executor executor, hub& here, steps through, session_audit const& audit, doubts& doubtful,
                answers& out, user_rates& rates, flow_limits const& limits, counters& count);

  task<> perform(session_ptr s, std::optional<std::string> id, std::optional<user_id> claimed, register_request r);

 private:
  // The findings of a register.
  struct begun {
    state::connected online;
    directory::entry entry;
    std::vector<recovery> resumed;
    bool arrives() const { return online.connections == 1 && online.was_announced; }
  };
  bool within_rate(session& s, user_id const& user, std::optional<std::string> const& id);
  task<> again(session_ptr s, std::optional<std::string> id, bool extended, auth::identity who);
  task<bool> earlier_has_ended(session_ptr s);
  task<bool> may_replace(session_ptr s, user_id user);
  void take(session& s, auth::identity& who, register_request const& r);
  // Nothing when the register was refused. Then the client has got the error, and nothing is left of the register.
  task<std::optional<begun>> begin(session_ptr s, std::optional<std::string> id, register_request const& r);
  task<> welcome(session_ptr s, std::optional<std::string> id, register_request r, begun b, auth::identity who,
                 std::uint64_t interruption);
  void refuse_banned(session& s, std::optional<std::string> id, std::int64_t seconds);
  // `at_ms`: the time in Redis. With 0 the client is not told it, nor the other facts that a client needs only once.
  void answer(session& s, std::optional<std::string> const& id, std::vector<room_id> const& rooms,
              std::vector<recovery> const& resumed, std::int64_t at_ms = 0);

  asio::any_io_executor ex_;
  hub& hub_;
  steps steps_;
  session_audit const& audit_;
  doubts& doubts_;
  answers& answers_;
  user_rates& rates_;
  flow_limits const& limits_;
  counters& count_;
  std::shared_ptr<void> const alive_ = std::make_shared<char>();
};

}  // namespace hiky::chat
