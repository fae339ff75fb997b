// SPDX-License-Identifier: Apache-2.0
#include "chat/bus/canary.hpp"

#include <boost/asio/steady_timer.hpp>

#include <fmt/format.h>

#include <random>

#include "base/log.hpp"
#include "state/chat/bus_letters.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

constexpr auto interval = 1000ms;
constexpr auto patience = 3500ms;
constexpr auto twin_patience = 2500ms;  // within which a living process publishes a canary

}  // namespace

canary::canary(redis::client& connection, std::string channel)
    : client_(connection),
      channel_(std::move(channel)),
      text_(fmt::format("{}{:x}\n", state::bus_start(state::bus_letter::canary), std::random_device{}())) {}

task<> canary::watch() {
  asio::steady_timer pause{client_.executor()};
  last_ = steady_clock::now();
  while (running_) {
    pause.expires_after(interval);
    co_await pause.async_wait(use_task);
    sent_ = steady_clock::now();
    auto const sent = co_await client_.exec(redis::request{"PUBLISH", channel_, text_});
    if (!running_) co_return;
    auto const now = steady_clock::now();
    if (!sent || !client_.connected()) {
      last_ = now;  // Redis is away, which others say
      continue;
    }
    if (now - last_ < patience) continue;
    comes_back_ = false;
    log::warn("bus.deaf", {{"reason", "canaries are published but do not come back"}, {"now", "subscribing anew"}});
    last_ = now;
    client_.reconnect({errc::not_connected, "the subscription is deaf"});
  }
}

void canary::came(std::string_view text) {
  if (text == text_) {
    last_ = steady_clock::now();
    lag_ns_ = (last_ - sent_).count();
    comes_back_ = true;
    return;
  }
  // Each process ends what the other holds: neither can be right.
  if (running_ && !twin_) {
    log::error("instance.twin", {{"channel", channel_},
                                 {"reason", "another hikyd runs under the same --instance-id; stop one of them"}});
  }
  twin_ = true;
}

task<bool> canary::has_twin() {
  auto const sent = co_await client_.exec(redis::request{"PUBLISH", channel_, text_});
  if (!sent || (*sent)[0].integer() <= 1) co_return false;
  // Another connection is subscribed, too: perhaps only that of a dead process, which Redis has not missed yet.
  asio::steady_timer pause{client_.executor()};
  auto const until = steady_clock::now() + twin_patience;
  while (!twin_ && steady_clock::now() < until) {
    pause.expires_after(50ms);
    co_await pause.async_wait(use_task);
  }
  co_return twin_;
}

}  // namespace hiky::chat
