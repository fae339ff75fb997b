// SPDX-License-Identifier: Apache-2.0
// Tells rooms that users have come back: `userOnline`, as they were told `userOffline`. Collects users for a moment, so
// that many who come at once cost Redis one message a room. Knows no sessions. One per worker, on its thread.
#pragma once
#include <boost/asio/any_io_executor.hpp>

#include <vector>

#include "base/async.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

class returns {
 public:
  returns(asio::any_io_executor executor, state::store& store) : ex_(std::move(executor)), store_(store) {}

  // A user whose absence was announced is here again, with these rooms.
  void add(user_id user, std::vector<room_id> rooms);
  // No user waits to be told of.
  bool idle() const { return !telling_; }

 private:
  task<> tell();
  task<> tell_some(std::vector<state::returned_user> some);

  asio::any_io_executor ex_;
  state::store& store_;
  std::vector<state::returned_user> waiting_;
  bool telling_ = false;
};

}  // namespace hiky::chat
