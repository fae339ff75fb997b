// SPDX-License-Identifier: Apache-2.0
// Tells a user which friends are online, and tells friends when a user comes or goes. One per worker.
#pragma once
#include <cstddef>
#include <optional>
#include <string>

#include "chat/protocol/protocol.hpp"
#include "chat/requests/answers.hpp"
#include "chat/requests/lane.hpp"
#include "chat/upkeep/watches.hpp"
#include "directory/directory.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

class presence_flow {
 public:
  presence_flow(asio::any_io_executor executor, state::store& store, directory::directory& people, watches& watched,
                lane& heavy, answers& out);

  // Tells the user's friends; false when they could not be told.
  task<bool> announce(user_id user, bool online);
  // The same for an arrival, while the caller goes on.
  void announce_arrival(directory::entry who);
  // The number of arrivals that are being told.
  std::size_t telling() const { return telling_; }

  task<> status(session_ptr s, std::optional<std::string> id, get_online_status r);
  task<> watch(session_ptr s, std::optional<std::string> id, watch_presence r);

 private:
  task<bool> tell_friends(directory::entry who, bool online);

  asio::any_io_executor ex_;
  state::store& store_;
  directory::directory& people_;
  watches& watches_;
  lane& heavy_;
  answers& answers_;
  std::size_t telling_ = 0;
};

}  // namespace hiky::chat
