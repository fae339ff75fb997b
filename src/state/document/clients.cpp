// SPDX-License-Identifier: Apache-2.0
#include "state/document/clients.hpp"

#include <fmt/format.h>

#include "state/ask.hpp"
#include "state/document/keys.hpp"
#include "state/stored_json.hpp"

namespace hiky::state {

task<result<void>> clients::set(user_id user, json::object data) {
  auto const text = stringify(data);
  if (!text) co_return std::unexpected(in_context(text.error(), "HSET", keys::clients));
  co_return co_await ask<void>(redis_, "HSET", keys::clients, user, *text);
}

task<result<std::optional<json::object>>> clients::get(user_id user) {
  auto const text = co_await ask<std::optional<std::string>>(redis_, "HGET", keys::clients, user);
  if (!text) co_return std::unexpected(text.error());
  if (!*text) co_return std::nullopt;
  auto data = parse_object(**text);
  if (!data) {
    co_return fail(errc::unexpected_reply,
                   fmt::format("the entry of '{}' in {} is {}", user.str(), keys::clients, data.error().text));
  }
  co_return std::move(*data);
}

task<result<void>> clients::remove(user_id user) { return ask<void>(redis_, "HDEL", keys::clients, user); }

task<result<std::map<user_id, json::object>>> clients::all() {
  auto entries = co_await ask<string_pairs>(redis_, "HGETALL", keys::clients);
  if (!entries) co_return std::unexpected(std::move(entries.error()));
  std::map<user_id, json::object> out;
  poison bad;
  for (auto& [user, text] : *entries) {
    if (auto data = parse_object(text)) out.emplace(std::move(user), std::move(*data));
    else bad.skip(data.error());
  }
  bad.report(keys::clients);
  co_return out;
}

}  // namespace hiky::state
