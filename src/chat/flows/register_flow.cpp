// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/register_flow.hpp"

#include <fmt/format.h>
#include <boost/asio/steady_timer.hpp>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "chat/flows/common.hpp"
#include "chat/flows/registration_guard.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

constexpr auto longest_wait_to_replace = 6s;
constexpr auto longest_undoing = 2s;  // of a register before
constexpr std::size_t rooms_of_a_request = 10;

// Beside the texts that a client may send, an answer holds at most a page of ids, and messages of 256 KB, or one larger
// message.
constexpr std::size_t largest_beside_a_message = 1 << 20;

// Members of `registered`. A limit that is not set is left out.
std::string about_server(flow_limits const& l, std::int64_t now_ms) {
  std::string limits = fmt::format(R"("frame":{},"rooms":{},"outbox":{})", l.frame, l.rooms_per_connection, l.outbox);
  if (l.connections_per_user > 0) limits += fmt::format(R"(,"connections":{})", l.connections_per_user);
  auto const rate = [&](std::string_view name, float per_second, float burst) {
    if (per_second > 0) limits += fmt::format(R"(,"{}":{{"perSecond":{},"burst":{}}})", name, per_second, burst);
  };
  rate("messages", l.messages_per_s, l.message_burst);
  rate("typing", l.typing_per_s, l.typing_burst);
  rate("requests", l.requests_per_s, l.request_burst);
  return fmt::format(
      R"("serverTime":"{}","heartbeat":{{"intervalMs":{},"timeoutMs":{}}},"largestFrame":{},"limits":{{{}}})",
      iso8601(std::chrono::sys_time<std::chrono::milliseconds>{std::chrono::milliseconds{now_ms}}),
      l.ping_every.count(), l.pong_within.count(), l.frame + largest_beside_a_message, limits);
}

}  // namespace

register_flow::register_flow(asio::any_io_executor executor, hub& here, steps through, session_audit const& audit,
                             doubts& doubtful, answers& out, user_rates& rates, flow_limits const& limits,
                             counters& count)
    : ex_(std::move(executor)),
      hub_(here),
      steps_(through),
      audit_(audit),
      doubts_(doubtful),
      answers_(out),
      rates_(rates),
      limits_(limits),
      count_(count) {}

task<> register_flow::perform(session_ptr s, std::optional<std::string> id, std::optional<user_id> claimed,
                              register_request r) {
  if (s->registered && !r.resume.empty()) {
    co_return answers_.refuse(
        *s,
        {error_code::invalid_argument,
         "this connection is registered already; joinRoom with `since` brings what a room has said", std::move(id)});
  }
  auto who = co_await steps_.identity.identify(s, id, {std::move(claimed), std::move(r.token)});
  if (!who || (s->gone && !s->turn->backlog)) co_return;  // its requests behind the register are done all the same
  if (s->registered) co_return co_await again(s, std::move(id), r.extended, std::move(*who));
  if (!within_rate(*s, who->user, id)) co_return;
  if (!co_await earlier_has_ended(s)) {
    co_return answers_.refuse(*s, std::move(id), error{errc::timeout, "the register before has not been undone yet"});
  }
  if (!co_await may_replace(s, who->user)) co_return;
  take(*s, *who, r);
  auto const interruption = audit_.interruption();
  auto found = co_await begin(s, id, r);
  // Redis works for each room; and for each that it finds the place of.
  if (found) {
    auto const more = (found->online.rooms.size() + r.resume.size()) / rooms_of_a_request;
    rates_.charge(s->user, user_rate::requests, static_cast<float>(more));
  }
  if (found) co_await welcome(s, std::move(id), std::move(r), std::move(*found), std::move(*who), interruption);
}

// A client must not get more by connecting anew than on one connection.
bool register_flow::within_rate(session& s, user_id const& user, std::optional<std::string> const& id) {
  if (rates_.take(user, user_rate::requests, now_ms())) return true;
  count_.rate_limited[static_cast<std::size_t>(rate_limit::requests)].add();
  answers_.refuse(
      s, {error_code::rate_limited, fmt::format("at most {} requests per second", limits_.requests_per_s), id});
  return false;
}

// The session is registered already.
task<> register_flow::again(session_ptr s, std::optional<std::string> id, bool extended, auth::identity who) {
  s->extended |= extended;
  if (!co_await steps_.identity.regrant(s, std::move(who.grant), std::move(who.session))) {
    co_return answers_.refuse(*s, std::move(id), error{errc::timeout, "the rooms of the new token are not heard yet"});
  }
  answer(*s, id, rooms_of(*s), {});
}

// The end of a register that failed is on the way to Redis, and would end this one. False when that takes too long.
task<bool> register_flow::earlier_has_ended(session_ptr s) {
  asio::steady_timer pause{ex_};
  for (auto const until = steady_clock::now() + longest_undoing; steps_.ends.contains(s->id);) {
    if (s->gone || steady_clock::now() > until) co_return false;
    pause.expires_after(20ms);
    co_await pause.async_wait(use_task);
  }
  co_return true;
}

// Tabs beyond the limit connect again when they are replaced, and would replace one another for ever. So the next tab
// waits until a replacement is due again. False when the client is gone.
task<bool> register_flow::may_replace(session_ptr s, user_id user) {
  asio::steady_timer pause{ex_};
  for (auto const until = steady_clock::now() + longest_wait_to_replace;
       !rates_.has(user, user_rate::replacements, now_ms());) {
    if (steady_clock::now() > until) break;
    pause.expires_after(50ms);
    co_await pause.async_wait(use_task);
  }
  co_return !s->gone || s->turn->backlog;
}

// Takes the client's identity and wishes for the session.
void register_flow::take(session& s, auth::identity& who, register_request const& r) {
  s.user = who.user;
  steps_.identity.grant(s, std::move(who.grant), std::move(who.session));
  s.extended = r.extended;
  s.acks = r.acks;
  s.newest_first = r.newest_first;
  if (r.earlier) s.earlier = std::make_unique<connection_id>(*r.earlier);
}

task<std::optional<register_flow::begun>> register_flow::begin(session_ptr s, std::optional<std::string> id,
                                                               register_request const& r) {
  registration_guard guard{s, hub_, steps_.ends, alive_};
  begun out;
  auto online = co_await steps_.online.go(s, out.entry);
  if (!online) co_return answers_.refuse(*s, std::move(id), online.error()), std::nullopt;
  out.online = std::move(*online);
  if (out.online.kept_out_s) {
    guard.refused_by_redis();
    co_return refuse_banned(*s, std::move(id), *out.online.kept_out_s), std::nullopt;
  }
  auto resumed = co_await steps_.logs.recover_all(out.online.rooms, r.resume);
  if (!resumed) {
    // To say `recovered: false` would be a guess: the log may well be there in a moment. Friends who were not told of
    // the arrival must not be told of the end alone.
    if (out.arrives()) steps_.presence.announce_arrival(std::move(out.entry));
    co_return answers_.refuse(*s, std::move(id), resumed.error()), std::nullopt;
  }
  out.resumed = std::move(*resumed);
  guard.keep();
  co_return std::move(out);
}

task<> register_flow::welcome(session_ptr s, std::optional<std::string> id, register_request r, begun b,
                              auth::identity who, std::uint64_t interruption) {
  auto const& online = b.online;
  if (limits_.connections_per_user > 0 && online.connections > static_cast<std::int64_t>(limits_.connections_per_user))
    rates_.take(s->user, user_rate::replacements, now_ms());
  s->registered = true;
  s->shown.reset();
  s->returning = !online.was_announced;
  s->identified();
  count_.registers.add();
  count_.registered_connections.add();
  log::debug(
      "session.registered",
      {{"connection", s->id.str()}, {"trace", s->trace_id()}, {"user", s->user.str()}, {"rooms", online.rooms.size()}});
  for (std::size_t i = 0; i < b.resumed.size(); ++i)
    note_recovery(*s, r.resume[i].second, b.resumed[i], s->earlier != nullptr);
  answer(*s, id, online.rooms, b.resumed, online.at_ms);
  if (co_await steps_.sent.send(s, b.resumed) && online.mail > 0) co_await steps_.mail.deliver(s);
  // The bus was interrupted, and its news for this connection did not come.
  if (interruption != audit_.interruption() && !co_await steps_.compared.compare(s)) doubts_.add(*s);
  hub_.release(*s);
  if (!b.arrives()) co_return;
  // Where the directory has no names of a user, the token may have them.
  if (b.entry.user.username.empty()) b.entry.user.username = std::move(who.username);
  if (b.entry.user.name.empty()) b.entry.user.name = std::move(who.name);
  steps_.presence.announce_arrival(std::move(b.entry));
}

void register_flow::refuse_banned(session& s, std::optional<std::string> id, std::int64_t seconds) {
  log::info("session.banned",
            {{"connection", s.id.str()}, {"trace", s.trace_id()}, {"user", s.user.str()}, {"seconds", seconds}});
  count_.banned.add();
  answers_.refuse(s, {error_code::forbidden, fmt::format("an operator keeps this user out; try again in {} s", seconds),
                      std::move(id)});
  s.close(state::close_forbidden, state::ban_reason);
}

void register_flow::answer(session& s, std::optional<std::string> const& id, std::vector<room_id> const& rooms,
                           std::vector<recovery> const& resumed, std::int64_t at_ms) {
  auto const about = s.extended && at_ms > 0 ? about_server(limits_, at_ms) : std::string{};
  answers_.send(s, registered(id, s.user, s.id, rooms, resumed, s.grant ? s.grant->expiry : std::nullopt, about));
}

}  // namespace hiky::chat
