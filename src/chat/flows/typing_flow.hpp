// SPDX-License-Identifier: Apache-2.0
// Sets typing marks, and ends marks that nobody renews. One per worker.
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <deque>
#include <string>
#include <unordered_map>

#include "chat/counters.hpp"
#include "chat/flows/data_losses.hpp"
#include "chat/protocol/protocol.hpp"
#include "chat/requests/answers.hpp"
#include "chat/requests/flow_limits.hpp"
#include "chat/session.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

class typing_flow {
 public:
  typing_flow(asio::any_io_executor executor, state::store& store, data_losses const& losses, answers& out,
              flow_limits const& limits, counters& count);

  void change(session& s, set_typing t);
  // The mark is ended by other means (leave.lua).
  void forget(user_id const& user, room_id const& room);

 private:
  // A mark that this worker must end if nobody renews it. An entry counts only while it is its key's newest.
  struct ending {
    std::chrono::steady_clock::time_point when;
    user_id user;
    room_id room;
    std::uint32_t losses;  // of Redis's data, before the mark was made
  };
  task<> change_in_redis(session_ptr s, set_typing t);
  void end_due();
  task<> end(ending due);

  asio::any_io_executor ex_;
  state::store& store_;
  data_losses const& losses_;
  answers& answers_;
  flow_limits const& limits_;
  counters& count_;
  asio::steady_timer timer_;
  std::deque<ending> endings_;
  std::unordered_map<std::string, std::chrono::steady_clock::time_point> marks_;
};

}  // namespace hiky::chat
