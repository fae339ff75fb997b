// SPDX-License-Identifier: Apache-2.0
#include "state/document/offline_messages.hpp"

#include "scripts.hpp"
#include "state/ask.hpp"
#include "state/document/keys.hpp"
#include "state/stored_json.hpp"

namespace hiky::state {

task<result<void>> offline_messages::push(user_id user, json::object message) {
  static redis::script const script{scripts::offline_push_lua};
  auto key = keys::offline_messages(user);
  auto const text = stringify(message);
  if (!text) co_return std::unexpected(in_context(text.error(), "offline_push.lua", key));
  co_return co_await ask<void>(redis_, script, "offline_push.lua", {std::move(key)}, *text, limit);
}

task<result<std::vector<json::object>>> offline_messages::all(user_id user) {
  auto const key = keys::offline_messages(user);
  auto const texts = co_await ask<std::vector<std::string>>(redis_, "LRANGE", key, 0, -1);
  if (!texts) co_return std::unexpected(texts.error());
  std::vector<json::object> out;
  out.reserve(texts->size());
  poison bad;
  for (auto const& text : *texts) {
    if (auto message = parse_object(text)) out.push_back(std::move(*message));
    else bad.skip(message.error());
  }
  bad.report(key);
  co_return out;
}

task<result<void>> offline_messages::clear(user_id user) {
  return ask<void>(redis_, "DEL", keys::offline_messages(user));
}
task<result<std::size_t>> offline_messages::count(user_id user) {
  return ask<std::size_t>(redis_, "LLEN", keys::offline_messages(user));
}

}  // namespace hiky::state
