// SPDX-License-Identifier: Apache-2.0
// Redis's wire from the server's side: replies are made, commands are read (RESP3). For scripted_redis and its tests.
#pragma once
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace support {

// A reply as it travels.
struct resp {
  std::string bytes;
};
resp ok();
resp null();
resp number(std::int64_t n);
resp text(std::string_view t);
resp refusal(std::string_view t);  // `OOM command not allowed …`
inline constexpr char const *loading = "LOADING Redis is loading the dataset in memory",
                            *wrong_type = "WRONGTYPE Operation against a key holding the wrong kind of value";
resp list_of(std::vector<resp> const& items);
resp map_of(std::vector<std::pair<std::string, std::string>> const& pairs);

inline resp as_reply(resp r) { return r; }
inline resp as_reply(std::string_view t) { return text(t); }
resp as_reply(std::integral auto n) { return number(static_cast<std::int64_t>(n)); }
template <class... Items>
resp list(Items const&... items) {
  return list_of({as_reply(items)...});
}

struct redis_call {
  std::string name;  // a command in capitals, or a script's file name
  std::vector<std::string> keys;  // of a script
  std::vector<std::string> args;  // the words behind the name, or behind a script's keys
  int connection = 0;  // the first is 1
  int database = 0;

  bool has(std::string_view word) const;  // among keys and args
};

using call_matcher = std::function<bool(redis_call const&)>;
call_matcher has(std::string word);

// Takes one command off the front of `in`; nothing if it is not all here. A script is named by its hash, as our build
// embeds it.
std::optional<redis_call> take_call(std::string& in);

std::string push(std::string_view what, std::string_view channel, resp const& last);

}  // namespace support
