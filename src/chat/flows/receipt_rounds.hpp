// SPDX-License-Identifier: Apache-2.0
// Asks for receipts, in portions between two ticks: if all pings left at one moment, they and their pongs would keep
// messages waiting. One per worker.
#pragma once
#include "base/async.hpp"
#include "chat/hub.hpp"

namespace hiky::chat {

class receipt_rounds {
 public:
  receipt_rounds(asio::any_io_executor executor, hub& here) : ex_(std::move(executor)), hub_(here) {}

  // Four times a second.
  void tick();

 private:
  task<> run();

  asio::any_io_executor ex_;
  hub& hub_;
  bool running_ = false;
};

}  // namespace hiky::chat
