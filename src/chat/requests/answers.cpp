// SPDX-License-Identifier: Apache-2.0
#include "chat/requests/answers.hpp"

#include "base/clock.hpp"
#include "base/log.hpp"
#include "chat/protocol/frame_type.hpp"

namespace hiky::chat {

namespace {

constexpr std::string_view internal_message = "An error occurred while processing your request";  // the document's text
constexpr int refusals_before_rest = 16;
constexpr float bytes_of_a_request = 16 * 1024;  // of its answer

}  // namespace

void answers::send(session& s, std::string const& json) {
  if (!s.gone) s.send(text_frame(json), traffic::chat);
}

void answers::send_charged(session& s, std::string const& json) {
  rates_.charge(s.user, user_rate::requests, static_cast<float>(json.size()) / bytes_of_a_request);
  send(s, json);
}

void answers::refuse(session& s, refusal why) {
  count_.refused[static_cast<std::size_t>(why.code)].add();
  bool const own_doing = why.code != error_code::unavailable && why.code != error_code::internal;
  send(s, error_frame(why));
  if (own_doing) note_refusal(s);
}

void answers::refuse(session& s, std::optional<std::string> id, error const& why) {
  if (why.code == errc::not_member)
    return refuse(s, {error_code::not_member, "you are not in this room; send joinRoom first", std::move(id)});
  if (why.code == errc::conflict) return refuse(s, {error_code::conflict, why.text, std::move(id)});
  if (is_transient(why)) {
    log::debug("request.unavailable", {{"connection", s.id.str()},
                                       {"trace", s.trace_id()},
                                       {"user", s.user.str()},
                                       {"code", to_string(why.code)},
                                       {"reason", why.text}});
    return refuse(s, {error_code::unavailable, std::string{unavailability(why)}, std::move(id)});
  }
  log::error("request.failed", {{"connection", s.id.str()},
                                {"trace", s.trace_id()},
                                {"user", s.user.str()},
                                {"code", to_string(why.code)},
                                {"reason", why.text}});
  refuse(s, {error_code::internal, std::string{internal_message}, std::move(id)});
}

// A client that goes on all the same costs us as much as one that is let through.
void answers::note_refusal(session& s) {
  if (s.gone) return;
  auto const taken = s.registered ? rates_.take(s.user, user_rate::refusals, now_ms())
                                  : s.refused.mine().rate.take(limits_.refusals_per_s, limits_.refusal_burst, now_ms());
  if (taken) {
    if (limits_.refusals_per_s > 0 && ++s.refused.mine().count % refusals_before_rest == 0) turns_.rest(s);
    return;
  }
  log::info("session.flooding", {{"connection", s.id.str()}, {"trace", s.trace_id()}, {"user", s.user.str()}});
  count_.flooding_closed.add();
  s.close(close_flooding, "too many refused requests; send less");
}

void answers::note_pings(session& s, std::size_t times) {
  session_ptr const keep{&s};  // a refusal may be its end
  for (std::size_t i = 0; i < times && !s.gone; i += refusals_before_rest) note_refusal(s);
}

}  // namespace hiky::chat
