// SPDX-License-Identifier: Apache-2.0
// The whole: everybody's connections, instances, Redis, and the end of it all.
#include <fmt/format.h>

#include "directory/foreign_text.hpp"
#include "gateway/api/context.hpp"
#include "gateway/api/handlers.hpp"
#include "gateway/api/page.hpp"
#include "state/document/typing_users.hpp"
#include "state/document/utility.hpp"
#include "state/inspect/explain_message.hpp"
#include "state/inspect/explain_user.hpp"
#include "state/inspect/instances.hpp"
#include "state/inspect/lists.hpp"
#include "state/stored_json.hpp"

namespace hiky::gateway::api {

using directory::mended_utf8;

task<api_result> clients(api_call& call) {
  auto const wish = wanted_page(call);
  if (!wish) co_return std::unexpected(wish.error());
  auto const page = co_await state::clients_page(call.on.redis, *wish);
  if (!page) co_return std::unexpected(problem_of(page.error()));
  co_return api_answer{page_json(*page, [](std::string& out, list_page::entry const& e) {
    auto data = mended_utf8(e.value);
    if (!state::parse_object(data)) data = "{}";  // another program's poison hides nobody
    out += "{\"userId\":";
    append_json_string(out, mended_utf8(e.id));
    out += ",\"data\":" + data + '}';
  })};
}

task<api_result> typing(api_call& call) {
  auto const wish = wanted_page(call);
  if (!wish) co_return std::unexpected(wish.error());
  auto const all = co_await state::typing_users{call.on.redis}.all();
  if (!all) co_return std::unexpected(problem_of(all.error()));
  std::vector<list_page::entry> entries;
  for (auto const& [who, where] : *all) entries.push_back({who.str(), where.str()});
  co_return api_answer{page_json(cut_page(std::move(entries), *wish), [](std::string& out, list_page::entry const& e) {
    out += "{\"userId\":";
    append_json_string(out, mended_utf8(e.id));
    out += ",\"roomId\":";
    append_json_string(out, mended_utf8(e.value));
    out += '}';
  })};
}

task<api_result> instances(api_call& call) {
  auto const found = co_await state::list_instances(call.on.redis);
  if (!found) co_return std::unexpected(problem_of(found.error()));
  co_return api_answer{mended_utf8(json::serialize(json::object{{"items", state::to_json(*found)}}))};
}

task<api_result> explain_user(api_call& call) {
  auto const found = co_await state::explain_user(call.on.redis, user_id{call.ids[0]});
  if (!found) co_return std::unexpected(problem_of(found.error()));
  co_return api_answer{mended_utf8(json::serialize(state::to_json(*found)))};
}

task<api_result> explain_message(api_call& call) {
  state::message_question about{call.ids[0]};
  if (auto const room = call.parameter("room")) about.room = room_id{*room};
  if (auto const user = call.parameter("user")) about.only = user_id{*user};
  for (auto const* id : {"room", "user"}) {
    auto const given = call.parameter(id);
    auto const fault = given ? id_fault(*given) : std::nullopt;
    if (fault)
      co_return std::unexpected(
          problem{http_status::bad_request, "invalid_argument", fmt::format("the {} {}", id, *fault)});
  }
  auto const found = co_await state::explain_message(call.on.redis, std::move(about), call.on.room_log);
  if (!found) co_return std::unexpected(problem_of(found.error()));
  co_return api_answer{mended_utf8(json::serialize(state::to_json(*found)))};
}

task<api_result> redis_info(api_call& call) {
  auto const text = co_await state::utility{call.on.redis}.info();
  if (!text) co_return std::unexpected(problem_of(text.error()));
  json::object sections;
  json::object* section = nullptr;
  for (std::string_view rest{*text}; !rest.empty();) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("# ")) section = &sections[line.substr(2)].emplace_object();
    else if (auto const colon = line.find(':'); colon != std::string_view::npos && section) {
      (*section)[line.substr(0, colon)] = mended_utf8(std::string{line.substr(colon + 1)});
    }
  }
  co_return api_answer{json::serialize(sections)};
}

task<api_result> cleanup(api_call& call) {
  auto const removed = co_await state::utility{call.on.redis}.cleanup();
  if (!removed) co_return std::unexpected(problem_of(removed.error()));
  co_return api_answer{fmt::format(R"({{"removed":{}}})", *removed)};
}

task<api_result> openapi(api_call&) { co_return api_answer{openapi_document()}; }

}  // namespace hiky::gateway::api
