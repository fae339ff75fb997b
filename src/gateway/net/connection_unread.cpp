// SPDX-License-Identifier: Apache-2.0
// Part of connection: how much may come out of a client's compressed messages. A hundred bytes may become the largest
// message, which costs a millisecond to read; so these bytes have a rate, and a turn's worth of them.
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

#include "base/clock.hpp"
#include "gateway/net/connection.hpp"

namespace hiky::gateway {

namespace {
// Texts that people write become a third to a tenth. Only bytes beyond that count.
constexpr std::size_t usual_ratio = 10;
// Bytes. Before its identity is known a client needs one message, and gets no more for waiting.
constexpr float per_s = 512 * 1024, burst = 4 * 1024 * 1024, before_identity = 48 * 1024;
}  // namespace

connection::unread& connection::kept() {
  if (!unread_) {
    unread_ = std::make_unique<unread>();
    unread_->allowed = identified_ ? burst : before_identity;
    unread_->at_ms = now_ms();
    unread_->identified = identified_;
  }
  return *unread_;
}

bool connection::spend(std::size_t compressed, std::size_t inflated) {
  if (inflated > usual_ratio * compressed) kept().allowed -= static_cast<float>(inflated - usual_ratio * compressed);
  return !overspent();
}

bool connection::overspent() {
  if (!unread_) return false;
  auto const now = now_ms();
  auto const since = static_cast<float>(now - std::exchange(unread_->at_ms, now)) / 1000;
  if (identified_ && !std::exchange(unread_->identified, true)) unread_->allowed = burst;
  else if (identified_) unread_->allowed = std::min(burst, unread_->allowed + per_s * since);
  return unread_->allowed < 0;
}

void connection::keep_back(std::span<char> input) {
  unheard_ = true;  // a pong may be among them
  kept().bytes.assign(input.begin(), input.end());
  if (!overspent()) asio::post(loop_.io, [self = connection_ptr{this}] { self->go_on(); });
  else wait_for_tick();
}

void connection::wait_for_tick() {
  if (std::exchange(unread_->waits, true)) return;
  loop_.count.slowed_inflations.add();
  loop_.look_later(*this);
}

void connection::go_on() {
  if (unread_->bytes.empty() || (paused_ && phase_ == phase::open)) return;
  connection_ptr const keep{this};
  auto bytes = std::exchange(unread_->bytes, {});
  if (phase_ == phase::open || phase_ == phase::closing) feed(bytes);
  arm_read();
}

void connection::look() {
  if (unread_) unread_->waits = false;
  if (!unread_ || unread_->bytes.empty()) return arm_read();
  if (!overspent()) return go_on();
  wait_for_tick();
}

}  // namespace hiky::gateway
