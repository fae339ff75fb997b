// SPDX-License-Identifier: Apache-2.0
// Whether the peer is there, and what it has received: pings and pongs, and the deadlines of a connection.
#include <algorithm>
#include <cstring>

#include "base/clock.hpp"
#include "gateway/net/connection.hpp"

namespace hiky::gateway {

void connection::after_pong(std::function<void(bool)> done) {
  if (phase_ != phase::open || deaf_) return done(false);
  if (!probes_) probes_ = std::make_unique<std::vector<probe>>();
  probes_->push_back({push_ping(), std::move(done)});
}

std::uint32_t connection::push_ping() {
  if (++loop_.last_ping == 0) ++loop_.last_ping;
  auto const number = loop_.last_ping;
  push(control_frame(opcode::ping, {reinterpret_cast<char const*>(&number), sizeof number}));
  who_->asked(number);
  return number;
}

// A pong answers the latest ping the peer has seen, and with it all before. False for one that nobody asked for (RFC
// 6455 5.5.3).
bool connection::ponged(std::string_view payload) {
  std::uint32_t number = 0;
  if (payload.size() != sizeof number) return false;
  std::memcpy(&number, payload.data(), sizeof number);
  if (number == 0 || static_cast<std::int32_t>(loop_.last_ping - number) < 0)
    return false;  // of no ping that was ever sent
  if (who_) who_->answered(number);
  if (!probes_ || std::ranges::find(*probes_, number, &probe::number) == probes_->end()) return true;
  settle_probes(number);
  return true;
}

void connection::settle_probes(std::uint32_t number) {
  auto const is_answered = [=](probe const& p) {
    if (number == 0 || p.number == 0) return number == p.number;
    return static_cast<std::int32_t>(number - p.number) >= 0;
  };
  std::vector<probe> settled, waiting;
  for (auto& p : *probes_) (is_answered(p) ? settled : waiting).push_back(std::move(p));
  if (waiting.empty()) probes_.reset();
  else *probes_ = std::move(waiting);
  for (auto& p : settled) p.done(true);
}

void connection::ping() {
  if (phase_ == phase::open && !deaf_) push_ping();
}

// Is it still there?
void connection::probe_life() {
  taking_ = false;
  unheard_ = paused_;
  ping();
  loop_.waits.set(*this, wait_for::pong, now_ms());
}

void connection::identified() {
  identified_ = true;
  if (phase_ == phase::open && !deaf_) loop_.waits.set(*this, wait_for::next_ping, now_ms());
}

void connection::expired(wait_for what) {
  connection_ptr const keep{this};
  switch (what) {
    case wait_for::identity:
      loop_.count.unregistered_closed.add();
      return close(close_code{4408}, "no register in time");
    case wait_for::next_ping: return probe_life();
    case wait_for::pong:
      // That we did not listen is not its fault. Whether it lives is seen by what it takes, until it is heard again.
      if (unheard_ && taking_) return probe_life();
      loop_.count.silent_dropped.add();
      return drop();
    case wait_for::goodbye:
      if (phase_ == phase::open) return answer_end();  // what it asked for takes too long
      return drop();
  }
}

}  // namespace hiky::gateway
