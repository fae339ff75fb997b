// SPDX-License-Identifier: Apache-2.0
// The floor: the cost of handing one frame to each of N loopback sockets with one send(2) a frame and nothing else. The
// sender is a process of its own, so that its processor time is spent on sending alone. The swarm reads these frames,
// as it reads a server's frames. One round = one frame to every socket; the next begins when all have arrived, as in
// the fan-out it is compared with.
#pragma once
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "swarm.hpp"

namespace hiky::load {

class send_floor {
 public:
  // Starts the sender. Call it early: the new process begins as a copy of this one.
  explicit send_floor(std::size_t receivers);
  ~send_floor();
  send_floor(send_floor const&) = delete;
  send_floor& operator=(send_floor const&) = delete;

  // The text of the frame to send: take one that the measured server has sent.
  void load(std::string_view text);

  struct slice {
    std::uint64_t sends = 0;
    double us_per_send = 0;
  };
  // Rounds until `until`. The outcome has no sends if the sender could not be started, or if it stopped answering.
  slice run(std::int64_t until);

 private:
  std::size_t receivers_;
  pid_t sender_ = -1;
  int control_ = -1;
  swarm readers_;
  std::uint64_t arrived_ = 0;
};

}  // namespace hiky::load
