// SPDX-License-Identifier: Apache-2.0
#include "chat/requests/dispatch.hpp"

#include <fmt/format.h>

#include <type_traits>

#include "base/clock.hpp"

namespace hiky::chat {

namespace {

constexpr std::size_t bytes_of_a_message = 16 * 1024;  // a larger one counts as several

// The conditions for a kind of request, beside those of its own flow.
struct demands {
  bool register_first = true;
  bool rate_of_messages = false;  // it costs as much as a message
};

template <class Body>
constexpr demands demands_of = {
    .register_first = !std::is_same_v<Body, register_request> && !std::is_same_v<Body, ping>,
    // To check a token costs more than most requests do.
    .rate_of_messages = std::is_same_v<Body, send_message> || std::is_same_v<Body, refresh_identity>,
};

demands demands_on(request const& r) {
  return std::visit([]<class Body>(Body const&) { return demands_of<Body>; }, r.body);
}

// The room that a request is about, if it is about one.
room_id const* room_of(request const& r) {
  return std::visit(
      [](auto const& b) -> room_id const* {
        if constexpr (requires { b.room; }) return &b.room;
        else return nullptr;
      },
      r.body);
}

}  // namespace

void dispatch::perform(session_ptr s, std::string_view text, std::chrono::steady_clock::time_point came) {
  auto parsed = parse(text);
  if (!parsed) return answers_.refuse(*s, std::move(parsed.error()));
  auto& r = *parsed;
  count_.received[r.body.index()].add();
  bool const is_message = std::holds_alternative<send_message>(r.body);
  if (!is_message && !within_rate_of_requests(*s, r)) return;
  if (!may_ask(*s, r)) return;
  if (is_message) count_.messages_in.add();
  if (demands_on(r).rate_of_messages && !within_rate_of_messages(*s, r)) return;
  std::visit([&](auto& body) { to_.handle({std::move(s), std::move(r.id), std::move(r.user), came}, std::move(body)); },
             r.body);
}

bool dispatch::within_rate_of_requests(session& s, request& r) {
  bool const within = s.registered
                          ? rates_.take(s.user, user_rate::requests, now_ms())
                          : s.request_rate.mine().take(limits_.requests_per_s, limits_.request_burst, now_ms());
  if (within) return true;
  count_.rate_limited[static_cast<std::size_t>(rate_limit::requests)].add();
  if (std::holds_alternative<set_typing>(r.body)) {
    answers_.note_refusal(s);  // only a hint, which gets no answer
  } else {
    answers_.refuse(s, {error_code::rate_limited, fmt::format("at most {} requests per second", limits_.requests_per_s),
                        std::move(r.id)});
  }
  return false;
}

bool dispatch::within_rate_of_messages(session& s, request& r) {
  if (rates_.take(s.user, user_rate::messages, now_ms())) {
    // Redis keeps it for a day.
    if (auto const* said = std::get_if<send_message>(&r.body)) {
      auto const more = said->content.size() / bytes_of_a_message;
      rates_.charge(s.user, user_rate::messages, static_cast<float>(more));
    }
    return true;
  }
  count_.rate_limited[static_cast<std::size_t>(rate_limit::messages)].add();
  answers_.refuse(s, {error_code::rate_limited,
                      std::holds_alternative<send_message>(r.body)
                          ? fmt::format("at most {} messages per second", limits_.messages_per_s)
                          : "too many requests",
                      std::move(r.id)});
  return false;
}

bool dispatch::may_ask(session& s, request& r) {
  if (!demands_on(r).register_first) return true;
  auto const refuse = [&](error_code code, std::string why) {
    answers_.refuse(s, {code, std::move(why), std::move(r.id)});
    return false;
  };
  if (!s.registered) return refuse(error_code::not_registered, "send register first");
  if (r.user && *r.user != s.user) {
    return refuse(error_code::forbidden,
                  fmt::format("this connection is registered as '{}'; userId may be left out", s.user.str()));
  }
  if (auto const* room = room_of(r); room && s.grant && !s.grant->allows(*room))
    return refuse(error_code::forbidden, "your token is not for this room");
  return true;
}

}  // namespace hiky::chat
