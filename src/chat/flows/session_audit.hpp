// SPDX-License-Identifier: Apache-2.0
// Finds the sessions that must be compared with Redis, with one question for many: all sessions after an interruption
// of the bus, a share of them at every tick. One per worker.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "chat/bus/bus.hpp"
#include "chat/flows/data_losses.hpp"
#include "chat/flows/doubts.hpp"
#include "chat/hub.hpp"
#include "chat/session.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

class session_audit {
 public:
  session_audit(asio::any_io_executor executor, std::size_t worker, state::store& store, hub& here, bus& channel,
                data_losses const& losses, doubts& doubtful);

  // The bus was interrupted. Before it goes on, all sessions are compared, and have left the rooms that are not theirs
  // any more. `number`: that of the interruption.
  void interrupted(std::uint64_t number);
  // The number of the latest interruption.
  std::uint64_t interruption() const { return interruption_; }
  // Compares some of the sessions: each once a minute.
  void tick();

 private:
  struct doubtful {
    session_ptr who;
    bool known;  // to Redis
    std::vector<room_id> rooms;  // that its user belongs to
  };
  task<result<std::vector<doubtful>>> find_doubtful(std::span<session_ptr const> some);
  task<std::vector<doubtful>> find_all(std::uint64_t interruption);
  task<> compare_all(std::uint64_t interruption);
  task<> compare_some();

  asio::any_io_executor ex_;
  std::size_t worker_;
  state::store& store_;
  hub& hub_;
  bus& bus_;
  data_losses const& losses_;
  doubts& doubts_;
  std::uint64_t interruption_ = 0;
  double round_ = 0;  // which of hub's sessions are compared next: 0 to 1
  bool comparing_some_ = false;
};

}  // namespace hiky::chat
