// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/batch.hpp"

#include <algorithm>
#include <iterator>

#include "state/ask.hpp"

namespace hiky::state {

task<result<redis::reply>> all_of(redis::client& redis, batch commands) {
  auto const& names = commands.names_;
  auto answer = co_await redis.exec_each(std::move(commands.request_));
  if (!answer) co_return answer;
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto const each = (*answer)[i];
    if (!each.is_error()) continue;
    co_return std::unexpected(
        in_context({errc::server_error, std::string{each.text()}}, names[i].first, names[i].second));
  }
  co_return answer;
}

task<result<std::vector<std::string>>> scan(redis::client& redis, std::string pattern) {
  std::vector<std::string> out;
  std::string cursor{"0"};
  do {
    auto const answer = co_await redis.exec(redis::request{"SCAN", cursor, "MATCH", pattern, "COUNT", 1000});
    if (!answer) co_return std::unexpected(answer.error());
    auto const parts = (*answer)[0].items();
    if (parts.size() != 2) co_return fail(errc::unexpected_reply, "SCAN gave no cursor");
    cursor = parts[0].text();
    std::ranges::move(parts[1].strings(), std::back_inserter(out));
  } while (cursor != "0");
  std::ranges::sort(out);
  auto const twice = std::ranges::unique(out);
  out.erase(twice.begin(), twice.end());
  co_return out;
}

task<result<std::vector<std::int64_t>>> sizes(redis::client& redis, std::string_view command,
                                              std::vector<std::string> keys) {
  constexpr std::size_t at_once = 1000;
  std::vector<std::int64_t> out;
  out.reserve(keys.size());
  while (out.size() < keys.size()) {
    redis::request r;
    auto const end = std::min(keys.size(), out.size() + at_once);
    for (auto i = out.size(); i < end; ++i) r.add(command, keys[i]);
    auto const answer = co_await redis.exec_each(std::move(r));
    if (!answer) co_return std::unexpected(answer.error());
    for (std::size_t i = 0; i < answer->size(); ++i) {
      auto const each = (*answer)[i];
      if (each.is_error() && !each.text().starts_with("WRONGTYPE"))
        co_return fail(errc::server_error, std::string{each.text()});
      out.push_back(each.is_error() ? -1 : each.integer());
    }
  }
  co_return out;
}

}  // namespace hiky::state
