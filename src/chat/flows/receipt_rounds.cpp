// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/receipt_rounds.hpp"

#include <boost/asio/steady_timer.hpp>

#include <utility>

#include "base/clock.hpp"
#include "chat/requests/spawn.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;

namespace {
constexpr int portions = 16;
constexpr auto within = 200ms;  // ends before the next tick; otherwise that tick would be left out
}  // namespace

void receipt_rounds::tick() {
  if (!hub_.awaits_receipts()) hub_.ask_receipts(now_ms());  // which tells it the time
  else if (!std::exchange(running_, true)) spawn(ex_, run());
}

task<> receipt_rounds::run() {
  asio::steady_timer pause{ex_};
  for (int n = 0; n < portions; ++n) {
    hub_.ask_receipts(now_ms(), portions);
    pause.expires_after(within / portions);
    co_await pause.async_wait(use_task);
  }
  running_ = false;
}

}  // namespace hiky::chat
