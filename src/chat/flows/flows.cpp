// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/flows.hpp"

#include <fmt/format.h>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>

#include "base/clock.hpp"
#include "chat/flows/flow_parts.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

flows::flows(asio::any_io_executor executor, std::size_t worker, instance_id instance, state::store& store,
             directory::directory& people, auth::authenticator& gate, room_policy& door, bus& channel,
             user_rates& rates, counters& count, flow_limits limits)
    : parts_(std::make_unique<flow_parts>(std::move(executor), worker, std::move(instance), store, people, gate, door,
                                          channel, rates, count, limits)) {}

flows::~flows() = default;

void flows::receive(session& s, std::string_view text) {
  auto const came = steady_clock::now();
  auto& p = *parts_;
  p.count.frames_in.add();
  if (s.registered) p.active.note(s);
  if (p.losses.forgotten(s) && !s.turn->busy) p.turn.run(&s, p.asserted.try_session(&s));
  p.turn.receive(s, text, came);
}

void flows::oversized(session& s, std::string_view beginning) {
  session_ptr const keep{&s};
  parts_->out.refuse(s, {error_code::too_large,
                         fmt::format("a message may have {} bytes at most; send smaller ones", parts_->limits.frame),
                         id_in_beginning(beginning)});
}

void flows::pinged(session& s, std::size_t times) { parts_->out.note_pings(s, times); }

void flows::drop_requests(session& s) { turns::drop_backlog(s); }

void flows::closed(session& s) { parts_->closed(s); }

void flows::tick() {
  parts_->rates.tick(now_ms());
  parts_->receipts.tick();
  parts_->audit.tick();
}

void flows::on_offline(std::function<void()> handler) { parts_->ends.on_offline(std::move(handler)); }

void flows::deliver(bus::batch const& messages, std::vector<steady_clock::time_point>& came) {
  parts_->news.deliver(messages, came);
}

bool flows::is_idle() const {
  return parts_->turn.ends_waiting() == 0 && parts_->ends.count() == 0 && parts_->presence.telling() == 0 &&
         parts_->back.idle();
}

task<bool> flows::settled(std::chrono::milliseconds patience) {
  auto const until = steady_clock::now() + patience;
  asio::steady_timer pause{parts_->ex};
  while (!is_idle() && steady_clock::now() < until) {
    pause.expires_after(10ms);
    co_await pause.async_wait(use_task);
  }
  co_return is_idle();
}

task<bool> flows::announce(user_id user, bool online) { return parts_->presence.announce(std::move(user), online); }

void flows::assert_again(std::chrono::milliseconds spread) { parts_->asserted.assert_all(spread); }

void flows::lost() { parts_->losses.add(); }

task<> flows::keep_online(std::chrono::milliseconds pause) { return parts_->asserted.keep_online(pause); }

bool flows::holds(connection_id const& connection, user_id const& user) const {
  if (parts_->ends.contains(connection)) return true;
  auto const* sessions = parts_->here.sessions_of(user);
  return sessions != nullptr && std::ranges::any_of(*sessions, [&](session const* s) { return s->id == connection; });
}

task<> flows::undo(connection_id connection, user_id user, std::int64_t since_ms) {
  return parts_->ends.undo(std::move(connection), std::move(user), since_ms);
}

hub const& flows::here() const { return parts_->here; }

}  // namespace hiky::chat
