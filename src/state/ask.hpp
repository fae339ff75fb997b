// SPDX-License-Identifier: Apache-2.0
// One question to Redis and its answer as a C++ value. Errors name the command and its key; a reply of another kind
// than the command gives is unexpected_reply, never read as empty or zero.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/async.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "redis/client.hpp"
#include "redis/script.hpp"

namespace hiky::state {

using string_pairs = std::vector<std::pair<std::string, std::string>>;

// The same error, its text followed by `(command key)`.
error in_context(error e, std::string_view command, std::string_view key);

result<void> read(redis::value const& v, std::type_identity<void>);
result<bool> read(redis::value const& v, std::type_identity<bool>);
result<std::size_t> read(redis::value const& v, std::type_identity<std::size_t>);
result<std::string> read(redis::value const& v, std::type_identity<std::string>);
result<std::optional<std::string>> read(redis::value const& v, std::type_identity<std::optional<std::string>>);
result<std::vector<std::string>> read(redis::value const& v, std::type_identity<std::vector<std::string>>);
result<string_pairs> read(redis::value const& v, std::type_identity<string_pairs>);

template <class Tag>
result<std::optional<basic_id<Tag>>> read(redis::value const& v, std::type_identity<std::optional<basic_id<Tag>>>) {
  auto text = read(v, std::type_identity<std::optional<std::string>>{});
  if (!text) return std::unexpected(std::move(text.error()));
  if (!*text) return std::nullopt;
  return basic_id<Tag>{std::move(**text)};
}

template <class Tag>
result<std::vector<basic_id<Tag>>> read(redis::value const& v, std::type_identity<std::vector<basic_id<Tag>>>) {
  auto texts = read(v, std::type_identity<std::vector<std::string>>{});
  if (!texts) return std::unexpected(std::move(texts.error()));
  std::vector<basic_id<Tag>> ids;
  ids.reserve(texts->size());
  for (auto& text : *texts) ids.emplace_back(std::move(text));
  return ids;
}

template <class T>
task<result<T>> answer(task<result<redis::reply>> pending, std::string_view command, std::string key) {
  auto const reply = co_await std::move(pending);
  if (!reply) co_return std::unexpected(in_context(reply.error(), command, key));
  auto read_as_asked = read((*reply)[0], std::type_identity<T>{});
  if (!read_as_asked) co_return std::unexpected(in_context(std::move(read_as_asked.error()), command, key));
  co_return read_as_asked;
}

// `command key args…`. `command` is a literal; everything else is consumed before the task is returned.
template <class T, class... Args>
task<result<T>> ask(redis::client& redis, std::string_view command, std::string_view key, Args const&... args) {
  return answer<T>(redis.exec(redis::request{command, key, args...}), command, std::string{key});
}

// The same with a script (a static one) in the place of a command; errors name its first key.
template <class T, class... Args>
task<result<T>> ask(redis::client& redis, redis::script const& script, std::string_view name,
                    std::vector<std::string> const& keys, Args const&... args) {
  auto call = script.call(keys, sizeof...(args));
  (call.arg(args), ...);
  return answer<T>(script.run(redis, std::move(call)), name, keys.front());
}

}  // namespace hiky::state
