// SPDX-License-Identifier: Apache-2.0
// Users: who is online, what is known of one of them, and frames from the application.
#include <fmt/format.h>

#include <algorithm>

#include "directory/foreign_text.hpp"
#include "gateway/api/context.hpp"
#include "gateway/api/handlers.hpp"
#include "gateway/api/idempotency.hpp"
#include "gateway/api/page.hpp"
#include "state/document/online_users.hpp"
#include "state/inspect/lists.hpp"
#include "state/inspect/user_summary.hpp"
#include "state/inspect/waiting_mail.hpp"
#include "state/stored_json.hpp"

namespace hiky::gateway::api {
namespace {

using directory::mended_utf8;

user_id user_of(api_call const& call) { return user_id{call.ids[0]}; }

json::value text_or_null(std::string text) {
  if (text.empty()) return nullptr;
  return json::value(mended_utf8(std::move(text)));
}

}  // namespace

task<api_result> online(api_call& call) {
  auto const wish = wanted_page(call);
  if (!wish) co_return std::unexpected(wish.error());
  co_return ids_answer(co_await state::online_page(call.on.redis, *wish));
}

task<api_result> online_count(api_call& call) {
  auto const count = co_await state::online_users{call.on.redis}.count();
  if (!count) co_return std::unexpected(problem_of(count.error()));
  co_return api_answer{fmt::format(R"({{"count":{}}})", *count)};
}

task<api_result> user(api_call& call) {
  auto const who = user_of(call);
  auto const summary = co_await state::summary_of(call.on.redis, who);
  if (!summary) co_return std::unexpected(problem_of(summary.error()));
  auto const here = co_await call.on.store.presence.online({who});  // as friends are told
  if (!here) co_return std::unexpected(problem_of(here.error()));
  auto const known = co_await call.on.people.profiles({who});
  if (!known) co_return std::unexpected(problem_of(known.error()));
  auto const& profile = known->front();
  auto const& typing = summary->typing_in;
  co_return api_answer{json::serialize(json::object{{"id", who.str()},
                                                    {"username", mended_utf8(profile.username)},
                                                    {"name", mended_utf8(profile.name)},
                                                    {"profileImage", mended_utf8(profile.profile_image)},
                                                    {"online", here->front()},
                                                    {"lastSeen", text_or_null(summary->last_seen)},
                                                    {"connections", summary->connections},
                                                    {"rooms", summary->rooms},
                                                    {"typingIn", text_or_null(typing ? typing->str() : "")},
                                                    {"queued", summary->queued},
                                                    {"dropped", summary->dropped},
                                                    {"bannedSeconds", summary->kept_out_s}})};
}

task<api_result> user_rooms(api_call& call) {
  auto const wish = wanted_page(call);
  if (!wish) co_return std::unexpected(wish.error());
  co_return ids_answer(co_await state::rooms_page(call.on.redis, user_of(call), *wish));
}

task<api_result> user_connections(api_call& call) {
  auto held = co_await state::connections_of(call.on.redis, user_of(call));
  if (!held) co_return std::unexpected(problem_of(held.error()));
  json::array items;
  for (auto& [id, text] : *held) {
    json::object one{{"id", mended_utf8(id.str())}};
    auto const about = state::parse_object(mended_utf8(std::move(text)));
    for (auto const* name : {"instance", "since", "ip", "agent"}) {
      auto const* value = about ? about->if_contains(name) : nullptr;
      if (value && value->is_string()) one[name] = *value;
    }
    items.emplace_back(std::move(one));
  }
  co_return api_answer{json::serialize(json::object{{"items", std::move(items)}})};
}

task<api_result> offline_messages(api_call& call) {
  auto waiting = co_await state::list_mail(call.on.redis, user_of(call));
  if (!waiting) co_return std::unexpected(problem_of(waiting.error()));
  std::string items;
  std::size_t count = 0;
  for (auto& text : waiting->messages) {
    text = mended_utf8(std::move(text));
    if (!state::parse_object(text)) continue;  // what another program has put there; the wire leaves it out, too
    items.append(count++ > 0 ? "," : "").append(text);
  }
  co_return api_answer{fmt::format(R"({{"items":[{}],"count":{},"dropped":{}}})", items, count, waiting->dropped)};
}

task<api_result> clear_offline_messages(api_call& call) {
  auto const removed = co_await state::clear_mail(call.on.redis, user_of(call));
  if (!removed) co_return std::unexpected(problem_of(removed.error()));
  co_return api_answer{fmt::format(R"({{"removed":{}}})", *removed)};
}

task<api_result> send_frame(api_call& call) {
  auto const frame = *raw_member(call.body, "frame");
  if (frame.size() > call.on.max_message) {
    co_return std::unexpected(
        problem{http_status::payload_too_large, "too_large",
                fmt::format("the frame is larger than a message may be, {} bytes", call.on.max_message)});
  }
  std::optional<state::once> once;
  if (!call.idempotency_key.empty()) once = once_of(call);
  auto const told = co_await call.on.store.connections.notify({user_of(call)}, state::bus_letter::application,
                                                              std::string{frame}, std::move(once));
  if (!told)
    co_return std::unexpected(told.error().code == errc::conflict ? idempotency_key_reused()
                                                                  : problem_of(told.error()));
  std::string out{"{\"userId\":"};
  append_json_string(out, call.ids[0]);
  api_answer answer{out += fmt::format(",\"reached\":{}}}", told->reached > 0)};
  if (told->before) answer.headers.emplace_back("Idempotency-Replayed", "true");
  co_return answer;
}

task<api_result> disconnect(api_call& call) {
  auto const* given = call.fields.if_contains("banSeconds");
  std::chrono::seconds const ban{given ? given->to_number<std::int64_t>() : 0};
  auto const told = co_await call.on.store.connections.kick(user_of(call), ban);
  if (!told && refuses_writes(told.error())) {
    co_return std::unexpected(
        problem{http_status::service_unavailable,
                "unavailable",
                "the connections were told to end, but Redis refuses writes: it keeps nobody out, so ask again",
                {{http_field::retry_after, "1"}}});
  }
  if (!told) co_return std::unexpected(problem_of(told.error()));
  std::string out{"{\"userId\":"};
  append_json_string(out, call.ids[0]);
  co_return api_answer{out += fmt::format(",\"connections\":{},\"bannedSeconds\":{}}}", *told, ban.count())};
}

task<api_result> pardon(api_call& call) {
  auto const lifted = co_await call.on.store.connections.pardon(user_of(call));
  if (!lifted) co_return std::unexpected(problem_of(lifted.error()));
  std::string out{"{\"userId\":"};
  append_json_string(out, call.ids[0]);
  co_return api_answer{out += fmt::format(",\"pardoned\":{}}}", *lifted)};
}

}  // namespace hiky::gateway::api
