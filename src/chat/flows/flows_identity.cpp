// SPDX-License-Identifier: Apache-2.0
// The flows that bind an identity to a connection, and keep it bound.
#include <fmt/format.h>

#include <algorithm>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "chat/flows/flows.hpp"
#include "chat/flows/flows_common.hpp"

namespace hiky::chat {

namespace {
constexpr float useless_per_s = 20, useless_burst = 100;  // tokens on one worker, before it is wary
constexpr std::uint32_t wary_for_ms = 2000;
constexpr int most_useless = 5;  // of one connection that has not registered

// Beside what a client may send, an answer holds at most a page of ids, and messages of 256 KB or one larger.
constexpr std::size_t largest_beside_a_message = 1 << 20;

// Members of `registered`. A limit that there is not is left out.
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

task<std::optional<auth::identity>> flows::identify(session_ptr s, std::optional<std::string> id,
                                                    auth::credentials shown) {
  auto const claimed = shown.claimed;
  bool const with_token = !shown.token.empty();
  std::optional<auth::identity> who;
  if (shown.token.empty() && s->registered) {
    who.emplace(auth::identity{s->user, s->grant ? *s->grant : auth::grant{}, logins_.of(s.get())});
  } else if (shown.token.empty() && s->shown) {
    if (s->shown->grant.expiry && *s->shown->grant.expiry <= std::chrono::system_clock::now()) {
      refuse(*s, {error_code::unauthorized, "what the handshake showed has expired", std::move(id)});
      co_return std::nullopt;
    }
    who = *s->shown;
  } else {
    // A check costs more than all else that a client may ask for. While many fail, checks take turns, each with a pause
    // behind it.
    bool const wary = with_token && now_ms() - wary_since_ms_ < wary_for_ms;
    auto const turn = wary ? co_await checks_.enter() : lane::turn{};
    auto found = co_await gate_.identify(std::move(shown));
    checks_.leave(turn);
    if (!found) {
      if (with_token && found.error().code == errc::invalid_argument && note_useless_token(*s)) co_return std::nullopt;
      if (found.error().code != errc::invalid_argument) refuse(*s, std::move(id), found.error());
      else refuse(*s, {error_code::unauthorized, found.error().text, std::move(id)});
      co_return std::nullopt;
    }
    if (!*found) {
      refuse(*s, {error_code::unauthorized,
                  (with_token ? "tokens are of no use here; register needs " : "register needs ") + gate_.expected(),
                  std::move(id)});
      co_return std::nullopt;
    }
    who = std::move(**found);
  }
  // A token says who somebody is; nothing that stands beside it can say otherwise.
  auto const& bound = s->registered ? s->user : s->shown ? s->shown->user : who->user;
  if (who->user != bound) {
    refuse(*s, {error_code::forbidden, fmt::format("this connection belongs to '{}'", bound.str()), std::move(id)});
    co_return std::nullopt;
  }
  if (claimed && *claimed != bound) {
    refuse(*s,
           {error_code::forbidden, fmt::format("you are '{}'; userId may be left out", bound.str()), std::move(id)});
    co_return std::nullopt;
  }
  co_return who;
}

// True when the connection has shown enough of them.
bool flows::note_useless_token(session& s) {
  if (!useless_tokens_.take(useless_per_s, useless_burst, now_ms())) wary_since_ms_ = now_ms();
  if (s.registered || ++s.useless_tokens < most_useless) return false;
  log::info("session.guessing", {{"connection", s.id.str()}, {"trace", s.trace_id()}});
  count_.flooding_closed.add();
  s.close(close_flooding, "too many tokens that are of no use; get a new one first");
  return true;
}

void flows::grant(session& s, auth::grant given, std::string login) {
  if (door_.by_token() && !given.rooms) given.rooms.emplace();
  auto const before = s.grant ? s.grant->expiry : std::nullopt;
  s.grant = given.restricts() ? std::make_unique<auth::grant>(std::move(given)) : nullptr;
  expiries_.set(s, before);
  logins_.watch(s, std::move(login));
}

// The identity counts from now on; Redis is told which rooms the connection may hear, before it hears others. True when
// all of that is done.
task<bool> flows::regrant(session_ptr s, auth::grant given, std::string login) {
  auto const before = s->grant ? s->grant->rooms : std::nullopt;
  grant(*s, std::move(given), std::move(login));
  if (before == (s->grant ? s->grant->rooms : std::nullopt) && !s->unasserted) co_return true;
  s->unasserted = true;
  auto const done = co_await compare(s);
  if (!done) doubt(*s);
  co_return done;
}

// Rooms that the connection may not hear any more. Redis takes its user for absent there: what it published before
// comes here yet, and all later messages wait for another connection.
task<> flows::leave_forbidden(session_ptr s) {
  auto const forbidden = [&](delivery::ledger::entry const& e) {
    return s->grant && !s->grant->allows(room_id{*e.room->name});
  };
  if (std::ranges::none_of(s->ledger.rooms(), forbidden)) co_return;
  bool const all_came = co_await bus_.catch_up(worker_);
  // Messages that do not come for now are owed, up to where the rooms stand in Redis.
  result<state::user_places> places;
  if (!all_came) places = co_await store_.connections.places(s->user);
  std::vector<room_id> lost;
  for (auto const& e : s->ledger.rooms()) {
    if (forbidden(e)) lost.emplace_back(*e.room->name);
  }
  for (auto const& room : lost) {
    std::optional<delivery::ledger::standing> upto;
    if (all_came) upto = {hub_.last_of(room)};
    else if (places) {
      auto const found = std::ranges::find(places->rooms, room, &std::pair<room_id, state::message_place>::first);
      if (found != places->rooms.end()) upto = {found->second, std::max(places->now_ms, places->newest_ms) + 1};
    }
    hub_.lapse(*s, room, upto);
  }
}

task<bool> flows::may_enter(session_ptr s, std::optional<std::string> id, room_id room) {
  auto const may = co_await door_.may_join(s->user, std::move(room));
  auto const outcome = may                                          ? room_judgement::allowed
                       : may.error().code == errc::invalid_argument ? room_judgement::refused
                                                                    : room_judgement::unjudged;
  count_.room_entries[static_cast<std::size_t>(outcome)].add();
  if (may) co_return true;
  if (may.error().code == errc::invalid_argument) refuse(*s, {error_code::forbidden, may.error().text, std::move(id)});
  else
    refuse(*s, {error_code::unavailable, "whether you may enter can't be found out right now; try again in a moment",
                std::move(id)});
  co_return false;
}

void flows::answer_registered(session& s, std::optional<std::string> const& id, std::vector<room_id> const& rooms,
                              std::vector<recovery> const& resumed, std::int64_t at_ms) {
  auto const about = s.extended && at_ms > 0 ? about_server(limits_, at_ms) : std::string{};
  answer(s, registered(id, s.user, s.id, rooms, resumed, s.grant ? s.grant->expiry : std::nullopt, about));
}

task<> flows::run_refresh(session_ptr s, std::optional<std::string> id, refresh_identity r) {
  auto who = co_await identify(s, id, {std::nullopt, std::move(r.token)});
  if (!who || s->gone) co_return;
  // The token counts all the same; which rooms are heard is known when Redis is there again.
  if (!co_await regrant(s, std::move(who->grant), std::move(who->session))) {
    co_return refuse(*s, std::move(id), error{errc::timeout, "the rooms of the new token are not heard yet"});
  }
  answer(*s, refreshed(id, s->grant ? s->grant->expiry : std::nullopt));
}

}  // namespace hiky::chat
