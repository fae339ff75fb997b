// SPDX-License-Identifier: Apache-2.0
// The whole: everybody's connections, instances, Redis, and the end of it all.
#include <fmt/format.h>

#include "directory/foreign_text.hpp"
#include "gateway/api_handlers.hpp"
#include "gateway/api_page.hpp"
#include "gateway/worker.hpp"
#include "state/keys.hpp"
#include "state/stored_json.hpp"
#include "state/typing_users.hpp"
#include "state/utility.hpp"

namespace hiky::gateway::api {
namespace {

namespace keys = state::keys;
using directory::mended_utf8;

}  // namespace

task<api_result> clients(api_call& call) {
  auto const wish = wanted_page(call);
  if (!wish) co_return std::unexpected(wish.error());
  auto const page = co_await stored_page(call.on.redis(), stored_as::hash, std::string{keys::clients}, *wish);
  if (!page) co_return std::unexpected(page.error());
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
  auto const all = co_await state::typing_users{call.on.redis()}.all();
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
  auto& redis = call.on.redis();
  redis::request asked;
  asked.add("TIME").add("ZRANGE", keys::instances, 0, -1, "WITHSCORES");
  auto const reply = co_await redis.exec(std::move(asked));
  if (!reply) co_return std::unexpected(problem_of(reply.error()));
  auto const time = (*reply)[0].items();
  if (time.size() != 2) co_return std::unexpected(problem_of({errc::unexpected_reply, "TIME gave no time"}));
  auto const now = time[0].integer() * 1000 + time[1].integer() / 1000;
  struct instance {
    std::string id;
    std::int64_t lease_ms;
  };
  std::vector<instance> found;
  // RESP3 gives pairs.
  for (auto const& pair : (*reply)[1].items()) {
    auto const parts = pair.items();
    if (parts.size() == 2) found.push_back({std::string{parts[0].text()}, static_cast<std::int64_t>(std::stod(std::string{parts[1].text()})) - now});
  }
  redis::request counted;
  for (auto const& one : found) counted.add("HLEN", keys::instance_connections(instance_id{one.id}));
  json::array items;
  if (!found.empty()) {
    auto const held = co_await redis.exec(std::move(counted));
    if (!held) co_return std::unexpected(problem_of(held.error()));
    for (std::size_t i = 0; i < found.size(); ++i) {
      items.emplace_back(json::object{{"id", mended_utf8(found[i].id)}, {"leaseMs", found[i].lease_ms}, {"connections", (*held)[i].integer()}});
    }
  }
  co_return api_answer{json::serialize(json::object{{"items", std::move(items)}})};
}

task<api_result> redis_info(api_call& call) {
  auto const text = co_await state::utility{call.on.redis()}.info();
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
  auto const removed = co_await state::utility{call.on.redis()}.cleanup();
  if (!removed) co_return std::unexpected(problem_of(removed.error()));
  co_return api_answer{fmt::format(R"({{"removed":{}}})", *removed)};
}

task<api_result> openapi(api_call&) { co_return api_answer{openapi_document()}; }

}  // namespace hiky::gateway::api
