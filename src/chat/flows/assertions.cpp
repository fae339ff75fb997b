// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/assertions.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>

#include "base/log.hpp"
#include "chat/flows/common.hpp"
#include "chat/flows/doubts.hpp"
#include "chat/requests/spawn.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {
constexpr std::size_t asked_at_once = 1000;  // users
constexpr milliseconds longest_spread = 2000ms;
}  // namespace

assertions::assertions(asio::any_io_executor executor, instance_id const& instance, state::store& store, hub& here,
                       data_losses& losses, turns& turn, endings& ends, subscriptions& heard, watches& watched,
                       mail_flow& mail)
    : ex_(std::move(executor)),
      instance_(instance),
      store_(store),
      hub_(here),
      losses_(losses),
      turns_(turn),
      endings_(ends),
      subscriptions_(heard),
      watches_(watched),
      mail_(mail) {}

void assertions::assert_all(milliseconds spread) {
  losses_.add();
  spawn(ex_, run(spread));
}

// In turn with each session's requests: a session that is leaving a room must not be put back into it. Tried until
// Redis knows all of them, since nothing else will notice that one is missing.
task<> assertions::run(milliseconds spread) {
  asio::steady_timer pause{ex_};
  for (auto left = hub_.registered_sessions(); !left.empty();
       spread = std::min<milliseconds>(spread, 1ms * left.size())) {
    auto const begin = steady_clock::now();
    for (std::size_t i = 0; i < left.size(); ++i) {
      pause.expires_at(begin + spread * static_cast<long>(i) / static_cast<long>(left.size()));
      if (pause.expiry() > steady_clock::now()) co_await pause.async_wait(use_task);
      if (losses_.forgotten(*left[i]) && !left[i]->turn->busy) turns_.run(left[i], try_session(left[i]));
    }
    pause.expires_after(100ms);
    co_await pause.async_wait(use_task);
    std::erase_if(left, [&](session_ptr const& s) { return !losses_.forgotten(*s); });
  }
}

task<> assertions::try_session(session_ptr s) {
  auto const losses = losses_.count();
  auto const done = co_await assert_session(s);
  if (done || is_transient(done.error())) co_return;
  log::warn(
      "session.not_asserted",
      {{"connection", s->id.str()}, {"trace", s->trace_id()}, {"user", s->user.str()}, {"reason", done.error().text}});
  data_losses::give_up(*s, losses);
}

task<result<void>> assertions::assert_session(session_ptr s) {
  std::vector<state::connection_room> rooms;
  for (auto const& e : s->ledger.rooms()) rooms.emplace_back(room_id{*e.room->name}, e.open != 0);
  auto const losses = losses_.count();
  auto const before = rooms_of(*s);
  auto online = co_await store_.connections.add(details_of(*s, instance_), std::move(rooms),
                                                losses_.rooms_known_since(s->asserted->losses), 0, *s->compared_ms);
  if (!online) co_return std::unexpected(online.error());
  if (losses != losses_.count() && !s->gone)
    co_return result<void>{};  // Redis lost more meanwhile, and took these rooms for less than they are: once more
  data_losses::note_asserted(*s, losses);
  if (online->kept_out_s) co_return s->close(state::close_forbidden, state::ban_reason), result<void>{};
  if (s->gone) {
    if (!s->turn->busy) endings_.begin(*s);  // closed meanwhile: disconnect.lua may have run before this assertion
    co_return result<void>{};
  }
  take_rooms(*s, std::move(online->rooms), before);
  watches_.doubt(*s);  // announcements from while Redis did not know of this connection did not come here
  if (online->mail > 0) mail_.fetch(*s);
  co_return result<void>{};
}

// `rooms`: the user's rooms in Redis; `before`: the session's rooms when Redis was asked.
void assertions::take_rooms(session& s, std::vector<room_id> rooms, std::vector<room_id> const& before) {
  // Rooms that another connection of the user has left or joined, and this connection has no notice of that.
  for (auto const& room : without(rooms_of(s), rooms)) {
    if (std::ranges::find(before, room) == before.end()) continue;  // entered since
    subscriptions_.tell(s, room, room_change::removed);
    hub_.leave(s, room);
  }
  // Compared next, in the same turn.
  for (auto const& room : permitted(s, std::move(rooms))) {
    if (!hub_.in(s, room)) doubts::mark(s);
  }
}

task<> assertions::keep_online(milliseconds pause) {
  asio::steady_timer timer{ex_};
  for (;;) {
    timer.expires_after(pause);
    co_await timer.async_wait(use_task);
    std::size_t missing = 0;
    auto const all = hub_.registered_sessions();
    for (std::span<session_ptr const> left{all}; !left.empty();) {
      auto const some = left.first(std::min(left.size(), asked_at_once));
      left = left.subspan(some.size());
      auto const found = co_await find_offline(some);
      if (!found) break;  // there is a next time
      missing += *found;
    }
    // Spread as after a loss of data: this may be a loss that nothing else has noticed yet.
    if (missing > 0) spawn(ex_, run(std::min<milliseconds>(longest_spread, 1ms * missing)));
  }
}

// The number of sessions of `some` that must be put into Redis again.
task<result<std::size_t>> assertions::find_offline(std::span<session_ptr const> some) {
  std::vector<user_id> users;
  users.reserve(some.size());
  for (auto const& s : some) users.push_back(s->user);
  auto const online = co_await store_.presence.online(std::move(users));
  if (!online) co_return std::unexpected(online.error());
  std::size_t missing = 0;
  for (std::size_t i = 0; i < some.size(); ++i) {
    auto& s = *some[i];
    if ((*online)[i] || !s.registered || s.gone || losses_.forgotten(s)) continue;
    log::info("session.taken_offline", {{"connection", s.id.str()}, {"trace", s.trace_id()}, {"user", s.user.str()}});
    data_losses::withdraw(s);
    ++missing;
  }
  co_return missing;
}

}  // namespace hiky::chat
