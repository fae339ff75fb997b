// SPDX-License-Identifier: Apache-2.0
// Part of flows: a session in Redis: told to friends, asserted again after a loss of data, ended.
#include "chat/flows/flows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "chat/flows/flows_common.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {
constexpr std::size_t long_tail = 20;      // messages that a client has perhaps not received
constexpr std::size_t told_at_once = 500;  // friends: Redis is held for about a millisecond
}  // namespace

task<bool> flows::announce(user_id user, bool online) {
  auto entry = co_await people_.load(user);
  if (entry) co_return co_await tell_friends(std::move(*entry), online);
  log::warn("announcement.failed", {{"user", user.str()}, {"online", online}, {"reason", entry.error().text}});
  co_return false;
}

task<bool> flows::tell_friends(directory::entry who, bool online) {
  auto const frame = online ? friend_online(who.user) : friend_offline(who.user.id, iso8601_now());
  bool const many = who.friends.size() > told_at_once;
  for (auto left = std::span<user_id const>{who.friends}; !left.empty();) {
    auto const some = left.first(std::min(left.size(), told_at_once));
    left = left.subspan(some.size());
    auto const turn = many ? co_await heavy_.enter() : lane::turn{};
    auto const told = co_await store_.connections.notify({some.begin(), some.end()}, online ? 'u' : 'U', frame);
    heavy_.leave(turn);
    if (told) continue;
    log::warn("announcement.failed", {{"user", who.user.id.str()}, {"online", online}, {"reason", told.error().text}});
    co_return false;
  }
  co_return true;
}

task<> flows::run_watch(session_ptr s, std::optional<std::string> id, watch_presence r) {
  auto const now = co_await watches_.begin(s, std::move(r.users));
  if (!now) co_return refuse(*s, std::move(id), now.error());
  answer_charged(*s, presence(id, *now));
}

void flows::announce_arrival(directory::entry who) {
  ++ending_;
  spawn([](flows* self, directory::entry arrived) -> task<> {
    co_await self->tell_friends(std::move(arrived), true);
    --self->ending_;
  }(this, std::move(who)));
}

void flows::assert_again(std::chrono::milliseconds spread) {
  ++data_;
  spawn(run_assert_again(spread));
}

// In turn with each session's requests: who is leaving a room must not be put back into it. Kept at until Redis knows
// all of them, since nobody else will notice that one is missing.
task<> flows::run_assert_again(std::chrono::milliseconds spread) {
  asio::steady_timer pause{ex_};
  for (auto left = hub_.registered_sessions(); !left.empty();
       spread = std::min<std::chrono::milliseconds>(spread, 1ms * left.size())) {
    auto const begin = steady_clock::now();
    for (std::size_t i = 0; i < left.size(); ++i) {
      pause.expires_at(begin + spread * static_cast<long>(i) / static_cast<long>(left.size()));
      if (pause.expiry() > steady_clock::now()) co_await pause.async_wait(use_task);
      if (forgotten(*left[i]) && !left[i]->busy) exclusively(left[i], run_assert_session(left[i]));
    }
    pause.expires_after(100ms);
    co_await pause.async_wait(use_task);
    std::erase_if(left, [&](session_ptr const& s) { return !forgotten(*s); });
  }
}

// Tried once. What fails for now is up to run_assert_again, and the client's request is answered as it deserves.
task<> flows::run_assert_session(session_ptr s) {
  auto const data = data_;
  auto const done = co_await assert_session(s);
  if (done || is_transient(done.error())) co_return;
  log::warn(
      "session.not_asserted",
      {{"connection", s->id.str()}, {"trace", s->trace_id()}, {"user", s->user.str()}, {"reason", done.error().text}});
  s->asserted = data;  // as well as it can be
}

task<result<void>> flows::assert_session(session_ptr s) {
  std::vector<state::known_room> rooms;
  for (auto const& e : s->ledger.rooms()) rooms.emplace_back(room_id{*e.room->name}, e.open != 0);
  auto const data = data_;
  auto const before = rooms_of(*s);
  auto online =
      co_await store_.connections.add(details(*s), std::move(rooms), rooms_known_since(s->asserted), 0, s->compared_ms);
  if (!online) co_return std::unexpected(online.error());
  if (data != data_ && !s->gone)
    co_return result<void>{};  // Redis lost more meanwhile, and took these rooms for less than they are: once more
  s->asserted = data;
  s->unasserted = false;
  if (online->kept_out_s) co_return s->close(state::close_forbidden, state::ban_reason), result<void>{};
  if (s->gone) {
    if (!s->busy) end_in_redis(*s);  // closed meanwhile: its end may have come before this beginning
    co_return result<void>{};
  }
  // Rooms that another connection of the user has left or joined, which this one did not hear.
  for (auto const& room : without(rooms_of(*s), online->rooms)) {
    if (std::ranges::find(before, room) == before.end()) continue;  // entered since
    tell_room(*s, room, room_change::removed);
    hub_.leave(*s, room);
  }
  online->rooms = permitted(*s, std::move(online->rooms));
  for (auto const& room : online->rooms) s->doubted |= !hub_.in(*s, room);  // compared next, in the same turn
  watches_.doubt(*s);  // what was announced to the user while Redis did not know of this connection did not come here
  if (online->mail > 0) fetch_mail(*s);
  co_return result<void>{};
}

// Without a loss of data Redis knows the user's rooms better than we do.
state::known_rooms flows::rooms_known_since(std::uint32_t asserted) const {
  return asserted == data_ ? state::known_rooms::as_redis_says : state::known_rooms::unless_left;
}

state::connection_details flows::details(session const& s) const {
  return {s.id,
          instance_,
          s.user,
          iso8601_now(),
          s.remote_address(),
          std::string{s.user_agent()},
          s.grant ? s.grant->rooms : std::nullopt};
}

void flows::closed(session& s) {
  s.gone = true;
  if (s.busy) {  // `exclusively` calls again, after what was asked for before the end; until then the ledger notes what
                 // is missed
    ++ending_;
    s.end_waits = true;
    if (ending_bytes_ + s.backlog_bytes > limits_.ending_bytes) {
      log::warn("session.requests_dropped", {{"connection", s.id.str()},
                                             {"trace", s.trace_id()},
                                             {"user", s.user.str()},
                                             {"requests", s.backlog ? s.backlog->size() : 0}});
      if (s.backlog) count_.requests_dropped.add(s.backlog->size());
      s.backlog.reset();
      s.backlog_bytes = 0;
    }
    ending_bytes_ += s.backlog_bytes;  // which counts no further down
    return;
  }
  // Until disconnect.lua has run, Redis takes the user for present and queues nothing: what is said meanwhile must be
  // found in the log.
  state::unsure_mail unsure{.others_since_ms = s.compared_ms};
  for (auto& owed : s.ledger.debts())
    unsure.heard.push_back({room_id{std::move(owed.room)}, std::move(owed.confirmed), owed.to});
  for (auto& range : s.ledger.given()) unsure.given.push_back({std::move(range.epoch), range.first, range.last});
  bool const heavy = s.ledger.unconfirmed_messages() >= long_tail;
  hub_.detach(s);
  expiries_.remove(s);
  logins_.forget(s);
  watches_.end(s);
  if (!s.registered) return;
  s.registered = false;
  count_.registered_connections.sub();
  end_in_redis(s, std::move(unsure), heavy);
}

task<> flows::keep_online(std::chrono::milliseconds pause) {
  constexpr std::size_t at_once = 1000;
  asio::steady_timer timer{ex_};
  for (;;) {
    timer.expires_after(pause);
    co_await timer.async_wait(use_task);
    std::size_t missing = 0;
    auto const all = hub_.registered_sessions();
    for (std::size_t i = 0; i < all.size(); i += at_once) {
      auto const end = std::min(all.size(), i + at_once);
      std::vector<user_id> users;
      for (auto j = i; j < end; ++j) users.push_back(all[j]->user);
      auto const online = co_await store_.connections.online(std::move(users));
      if (!online) break;  // there is a next time
      for (auto j = i; j < end; ++j) {
        auto& s = *all[j];
        if ((*online)[j - i] || !s.registered || s.gone || forgotten(s)) continue;
        log::info("session.taken_offline",
                  {{"connection", s.id.str()}, {"trace", s.trace_id()}, {"user", s.user.str()}});
        s.unasserted = true;
        ++missing;
      }
    }
    // Spread as after a loss of data, which this may be before anything else has noticed it.
    if (missing > 0) spawn(run_assert_again(std::min<std::chrono::milliseconds>(2000ms, 1ms * missing)));
  }
}

bool flows::holds(connection_id const& connection, user_id const& user) const {
  if (ends_.contains(connection.str())) return true;
  auto const* sessions = hub_.sessions_of(user);
  return sessions != nullptr && std::ranges::any_of(*sessions, [&](session const* s) { return s->id == connection; });
}

task<> flows::undo(connection_id connection, user_id user, std::int64_t since_ms) {
  count_.undone.add();
  ++ending_;
  ends_.insert(connection.str());
  co_await run_disconnect({std::move(connection), instance_, std::move(user), iso8601_now(), {}, {}}, data_, true,
                          {since_ms, {}}, false);
}

void flows::end_in_redis(session const& s, state::unsure_mail unsure, bool heavy) {
  ++ending_;
  ends_.insert(s.id.str());
  spawn(run_disconnect(details(s), s.asserted, !s.unasserted, std::move(unsure), heavy));
}

// Kept at until it is done: a user whose last connection closed while Redis was away must not stay online.
task<> flows::run_disconnect(state::connection_details ended, std::uint32_t asserted, bool known,
                             state::unsure_mail unsure, bool heavy) {
  for (;;) {
    result<std::int64_t> left{0};
    if ((asserted != data_ || !known) && !unsure.heard.empty()) {
      // Redis has lost the connection and perhaps its user's rooms. Only who belongs to a room is missed by it.
      std::vector<state::known_room> rooms;
      rooms.reserve(unsure.heard.size());
      for (auto const& each : unsure.heard) rooms.emplace_back(each.room);
      auto const data = data_;
      auto const told = co_await store_.connections.add(ended, std::move(rooms), rooms_known_since(asserted), 0,
                                                        unsure.others_since_ms);
      if (told) asserted = data, known = true;
      else left = std::unexpected(told.error());
    }
    if (left) {
      auto const turn = heavy ? co_await heavy_.enter() : lane::turn{};
      left = co_await store_.connections.remove(ended.id, ended.instance, ended.user, unsure);
      heavy_.leave(turn);
    }
    if (left || !is_transient(left.error())) {
      if (!left)
        log::error("session.not_ended",
                   {{"connection", ended.id.str()}, {"user", ended.user.str()}, {"reason", left.error().text}});
      if (left && *left == 0 && store_.connections.grace().count() > 0 && offline_) offline_();
      if (left && *left == 0 && store_.connections.grace().count() == 0) co_await announce(ended.user, false);
      ends_.erase(ends_.find(ended.id.str()));
      --ending_;
      co_return;
    }
    asio::steady_timer pause{ex_, 500ms};
    co_await pause.async_wait(use_task);
  }
}

task<bool> flows::settled(std::chrono::milliseconds patience) {
  auto const until = steady_clock::now() + patience;
  while ((ending_ > 0 || !returns_.idle()) && steady_clock::now() < until) {
    asio::steady_timer pause{ex_, 10ms};
    co_await pause.async_wait(use_task);
  }
  co_return ending_ == 0 && returns_.idle();
}

void flows::refuse_banned(session& s, std::optional<std::string> id, std::int64_t seconds) {
  log::info("session.banned",
            {{"connection", s.id.str()}, {"trace", s.trace_id()}, {"user", s.user.str()}, {"seconds", seconds}});
  count_.banned.add();
  refuse(s, {error_code::forbidden, fmt::format("an operator keeps this user out; try again in {} s", seconds),
             std::move(id)});
  s.close(state::close_forbidden, state::ban_reason);
}

void flows::end_session(session& s, bus_message::ending const& why) {
  if (!why.connection.empty() && why.connection != s.id.str()) return;
  log::info("session.ended", {{"connection", s.id.str()},
                              {"trace", s.trace_id()},
                              {"user", s.user.str()},
                              {"code", why.code},
                              {"reason", why.reason}});
  (why.code == state::close_replaced ? count_.replaced : count_.kicked).add();
  s.close(why.code, why.reason);
}

}  // namespace hiky::chat
