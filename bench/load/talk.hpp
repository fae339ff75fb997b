// SPDX-License-Identifier: Apache-2.0
// Users in rooms who talk at a given rate, whether or not the server keeps up. Latency counts from the moment a message
// was due.
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "ledger.hpp"
#include "scenario.hpp"

namespace hiky::load {

class talk {
 public:
  talk(run const& what, std::size_t users, std::size_t room_size);

  // Opens all users in rooms named after `stem`, and waits until the server is quiet. False after a fault.
  bool open(std::string_view stem);

  // Talks for `seconds`; returns how long it took. It ends early after a fault, or when more than `most_open`
  // deliveries are missing.
  double play(double rate, double seconds, std::uint64_t most_open = std::numeric_limits<std::uint64_t>::max());

  // Waits until every delivery has arrived, 10 s at the longest. False if one is missing or a fault came.
  bool drain();

  // Reads and answers pings, and says nothing, until done().
  template <class Done>
  void listen(Done done) {
    while (!done()) crowd_.step(now_ns() + 20 * ns_per_ms);
  }

  // Forgets the latencies and the lateness so far.
  void clear();

  swarm const& crowd() const { return crowd_; }
  ledger const& book() const { return book_; }
  latency const& one_way() const { return one_way_; }
  // How late the load generator itself has sent a message, at most.
  std::int64_t lateness() const { return lateness_; }

 private:
  void speak(std::int64_t due);

  run const& what_;
  std::size_t users_, room_size_;
  swarm crowd_;
  latency one_way_;
  ledger book_;
  std::uint64_t sent_ = 0;
  std::int64_t lateness_ = 0;
};

}  // namespace hiky::load
