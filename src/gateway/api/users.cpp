// SPDX-License-Identifier: Apache-2.0
// Users: who is online, what is known of one of them, and frames from the application.
#include <fmt/format.h>

#include <algorithm>

#include "directory/foreign_text.hpp"
#include "gateway/api/handlers.hpp"
#include "gateway/api/idempotency.hpp"
#include "gateway/api/page.hpp"
#include "gateway/worker.hpp"
#include "state/document/online_users.hpp"
#include "state/document/typing_users.hpp"
#include "state/keys.hpp"
#include "state/stored_json.hpp"

namespace hiky::gateway::api {
namespace {

namespace keys = state::keys;
using directory::mended_utf8;

user_id user_of(api_call const& call) { return user_id{call.ids[0]}; }

task<api_result> ids_in(api_call& call, std::string key) {
  auto const wish = wanted_page(call);
  if (!wish) co_return std::unexpected(wish.error());
  auto const page = co_await stored_page(call.on.redis(), stored_as::set, std::move(key), *wish);
  if (!page) co_return std::unexpected(page.error());
  co_return api_answer{page_json(
      *page, [](std::string& out, list_page::entry const& e) { append_json_string(out, mended_utf8(e.id)); })};
}

json::value text_or_null(std::string text) {
  if (text.empty()) return nullptr;
  return json::value(mended_utf8(std::move(text)));
}

}  // namespace

task<api_result> online(api_call& call) { return ids_in(call, std::string{keys::online_users}); }

task<api_result> online_count(api_call& call) {
  auto const count = co_await state::online_users{call.on.redis()}.count();
  if (!count) co_return std::unexpected(problem_of(count.error()));
  co_return api_answer{fmt::format(R"({{"count":{}}})", *count)};
}

task<api_result> user(api_call& call) {
  auto const who = user_of(call);
  redis::request asked;
  asked.add("HLEN", keys::user_connections(who))
      .add("SCARD", keys::member_rooms(who))
      .add("LLEN", keys::offline_messages(who))
      .add("GET", keys::offline_dropped(who))
      .add("HGET", keys::clients, who)
      .add("GET", keys::last_seen(who))
      .add("TTL", keys::banned(who));
  auto const reply = co_await call.on.redis().exec(std::move(asked));
  if (!reply) co_return std::unexpected(problem_of(reply.error()));
  auto const here = co_await call.on.store().connections.online({who});  // as friends are told
  if (!here) co_return std::unexpected(problem_of(here.error()));
  auto const types_in = co_await state::typing_users{call.on.redis()}.get(who);
  if (!types_in) co_return std::unexpected(problem_of(types_in.error()));
  auto const known = co_await call.on.people().profiles({who});
  if (!known) co_return std::unexpected(problem_of(known.error()));
  auto const& profile = known->front();

  // The entry in ws:clients goes when the last connection ends; ws:last_seen takes over.
  auto const client = state::parse_object((*reply)[4].text());
  auto const* seen = client ? client->if_contains("lastSeen") : nullptr;
  std::string last_seen{seen && seen->is_string() ? std::string_view{seen->as_string()} : (*reply)[5].text()};
  co_return api_answer{
      json::serialize(json::object{{"id", who.str()},
                                   {"username", mended_utf8(profile.username)},
                                   {"name", mended_utf8(profile.name)},
                                   {"profileImage", mended_utf8(profile.profile_image)},
                                   {"online", here->front()},
                                   {"lastSeen", text_or_null(std::move(last_seen))},
                                   {"connections", (*reply)[0].integer()},
                                   {"rooms", (*reply)[1].integer()},
                                   {"typingIn", *types_in ? text_or_null((*types_in)->str()) : json::value(nullptr)},
                                   {"queued", (*reply)[2].integer()},
                                   {"dropped", (*reply)[3].integer()},
                                   {"bannedSeconds", std::max<std::int64_t>((*reply)[6].integer(), 0)}})};
}

task<api_result> user_rooms(api_call& call) { return ids_in(call, keys::member_rooms(user_of(call))); }

task<api_result> user_connections(api_call& call) {
  auto const reply = co_await call.on.redis().exec(redis::request{"HGETALL", keys::user_connections(user_of(call))});
  if (!reply) co_return std::unexpected(problem_of(reply.error()));
  auto held = (*reply)[0].pairs();
  std::ranges::sort(held);
  json::array items;
  for (auto& [id, text] : held) {
    json::object one{{"id", mended_utf8(std::move(id))}};
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
  auto const who = user_of(call);
  redis::request asked;
  asked.add("LRANGE", keys::offline_messages(who), 0, -1).add("GET", keys::offline_dropped(who));
  auto const reply = co_await call.on.redis().exec(std::move(asked));
  if (!reply) co_return std::unexpected(problem_of(reply.error()));
  auto texts = (*reply)[0].strings();
  std::ranges::reverse(texts);
  std::string items;
  std::size_t count = 0;
  for (auto& text : texts) {
    text = mended_utf8(std::move(text));
    if (!state::parse_object(text)) continue;  // what another program has put there; the wire leaves it out, too
    items.append(count++ > 0 ? "," : "").append(text);
  }
  co_return api_answer{fmt::format(R"({{"items":[{}],"count":{},"dropped":{}}})", items, count, (*reply)[1].integer())};
}

task<api_result> clear_offline_messages(api_call& call) {
  auto const who = user_of(call);
  redis::request asked;
  asked.add("LLEN", keys::offline_messages(who)).add("DEL", keys::offline_messages(who), keys::offline_dropped(who));
  auto const reply = co_await call.on.redis().exec(std::move(asked));
  if (!reply) co_return std::unexpected(problem_of(reply.error()));
  co_return api_answer{fmt::format(R"({{"removed":{}}})", (*reply)[0].integer())};
}

task<api_result> send_frame(api_call& call) {
  auto const frame = *raw_member(call.body, "frame");
  if (frame.size() > call.on.settings().frames.max_message) {
    co_return std::unexpected(problem{
        http_status::payload_too_large, "too_large",
        fmt::format("the frame is larger than a message may be, {} bytes", call.on.settings().frames.max_message)});
  }
  std::optional<state::once> once;
  if (!call.idempotency_key.empty()) once = once_of(call);
  auto const told = co_await call.on.store().connections.notify({user_of(call)}, state::bus_letter::application,
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
  auto const told = co_await call.on.store().connections.kick(user_of(call), ban);
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
  auto const lifted = co_await call.on.store().connections.pardon(user_of(call));
  if (!lifted) co_return std::unexpected(problem_of(lifted.error()));
  std::string out{"{\"userId\":"};
  append_json_string(out, call.ids[0]);
  co_return api_answer{out += fmt::format(",\"pardoned\":{}}}", *lifted)};
}

}  // namespace hiky::gateway::api
