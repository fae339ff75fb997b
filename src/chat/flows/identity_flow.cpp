// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/identity_flow.hpp"

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/log.hpp"

namespace hiky::chat {

namespace {
constexpr float useless_per_s = 20, useless_burst = 100;  // tokens on one worker, before it is wary
constexpr std::uint32_t wary_for_ms = 2000;
constexpr int most_useless = 5;  // of one connection that has not registered
}  // namespace

identity_flow::identity_flow(asio::any_io_executor const& executor, auth::authenticator& gate, room_policy& door,
                             expiries& ends, logins& known, comparison& compared, doubts& doubtful, answers& out,
                             counters& count)
    : gate_(gate),
      door_(door),
      expiries_(ends),
      logins_(known),
      comparison_(compared),
      doubts_(doubtful),
      answers_(out),
      count_(count),
      checks_(executor) {}

task<std::optional<auth::identity>> identity_flow::identify(session_ptr s, std::optional<std::string> id,
                                                            auth::credentials shown) {
  auto const claimed = shown.claimed;
  std::optional<auth::identity> who;
  if (shown.token.empty() && s->registered) {
    who.emplace(auth::identity{s->user, s->grant ? *s->grant : auth::grant{}, logins_.of(s.get())});
  } else if (shown.token.empty() && s->shown) {
    if (s->shown->grant.expiry && *s->shown->grant.expiry <= std::chrono::system_clock::now()) {
      answers_.refuse(*s, {error_code::unauthorized, "what the handshake showed has expired", std::move(id)});
      co_return std::nullopt;
    }
    who = *s->shown;
  } else {
    who = co_await check(s, id, std::move(shown));
    if (!who) co_return std::nullopt;
  }
  // A token names the user; no field beside the token can name another one.
  auto const& bound = s->registered ? s->user : s->shown ? s->shown->user : who->user;
  if (who->user != bound) {
    answers_.refuse(
        *s, {error_code::forbidden, fmt::format("this connection belongs to '{}'", bound.str()), std::move(id)});
    co_return std::nullopt;
  }
  if (claimed && *claimed != bound) {
    answers_.refuse(
        *s, {error_code::forbidden, fmt::format("you are '{}'; userId may be left out", bound.str()), std::move(id)});
    co_return std::nullopt;
  }
  co_return who;
}

// A check costs more than all else that a client may ask for. While many fail, checks take turns, each with a pause
// behind it.
task<std::optional<auth::identity>> identity_flow::check(session_ptr s, std::optional<std::string> id,
                                                         auth::credentials shown) {
  bool const with_token = !shown.token.empty();
  bool const wary = with_token && now_ms() - wary_since_ms_ < wary_for_ms;
  auto const turn = wary ? co_await checks_.enter() : lane::turn{};
  auto found = co_await gate_.identify(std::move(shown));
  checks_.leave(turn);
  if (found && *found) co_return std::move(**found);
  if (found) {
    answers_.refuse(*s,
                    {error_code::unauthorized,
                     (with_token ? "tokens are of no use here; register needs " : "register needs ") + gate_.expected(),
                     std::move(id)});
    co_return std::nullopt;
  }
  bool const useless = found.error().code == errc::invalid_argument;
  if (with_token && useless && note_useless_token(*s)) co_return std::nullopt;
  if (useless) answers_.refuse(*s, {error_code::unauthorized, found.error().text, std::move(id)});
  else answers_.refuse(*s, std::move(id), found.error());
  co_return std::nullopt;
}

// True when the connection has shown enough of them, and is closed.
bool identity_flow::note_useless_token(session& s) {
  if (!useless_tokens_.take(useless_per_s, useless_burst, now_ms())) wary_since_ms_ = now_ms();
  if (s.registered || ++s.useless_tokens.mine() < most_useless) return false;
  log::info("session.guessing", {{"connection", s.id.str()}, {"trace", s.trace_id()}});
  count_.flooding_closed.add();
  s.close(close_flooding, "too many tokens that are of no use; get a new one first");
  return true;
}

void identity_flow::grant(session& s, auth::grant given, std::string login) {
  if (door_.by_token() && !given.rooms) given.rooms.emplace();
  auto const before = s.grant ? s.grant->expiry : std::nullopt;
  s.grant = given.restricts() ? std::make_unique<auth::grant>(std::move(given)) : nullptr;
  expiries_.set(s, before);
  logins_.watch(s, std::move(login));
}

task<bool> identity_flow::regrant(session_ptr s, auth::grant given, std::string login) {
  auto const before = s->grant ? s->grant->rooms : std::nullopt;
  grant(*s, std::move(given), std::move(login));
  if (before == (s->grant ? s->grant->rooms : std::nullopt) && !s->asserted->withdrawn) co_return true;
  data_losses::withdraw(*s);
  auto const done = co_await comparison_.compare(s);
  if (!done) doubts_.add(*s);
  co_return done;
}

task<> identity_flow::refresh(session_ptr s, std::optional<std::string> id, refresh_identity r) {
  auto who = co_await identify(s, id, {std::nullopt, std::move(r.token)});
  if (!who || s->gone) co_return;
  // The token counts all the same; the session's rooms are put right when Redis is there again.
  if (!co_await regrant(s, std::move(who->grant), std::move(who->session))) {
    co_return answers_.refuse(*s, std::move(id), error{errc::timeout, "the rooms of the new token are not heard yet"});
  }
  answers_.send(*s, refreshed(id, s->grant ? s->grant->expiry : std::nullopt));
}

}  // namespace hiky::chat
