// SPDX-License-Identifier: Apache-2.0
#include "redis/version_check.hpp"

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdio>

#include "redis/client.hpp"

namespace hiky::redis {
namespace {

// Of INFO's `name:value` lines.
std::string_view info_field(std::string_view info, std::string_view name) {
  for (std::size_t at = 0; (at = info.find(name, at)) != std::string_view::npos; at += name.size()) {
    if ((at > 0 && info[at - 1] != '\n') || info.substr(at + name.size(), 1) != ":") continue;
    auto const value = info.substr(at + name.size() + 1);
    return value.substr(0, value.find_first_of("\r\n"));
  }
  return {};
}

task<result<std::vector<std::string>>> look(client& redis, std::chrono::milliseconds patience) {
  using namespace std::chrono;
  redis.start();
  auto const until = steady_clock::now() + patience;
  result<reply> answer;
  do {
    auto const left = duration_cast<milliseconds>(until - steady_clock::now());
    if (auto const up = co_await redis.wait_connected(std::max(left, milliseconds{1})); !up)
      co_return std::unexpected(up.error());
    answer = co_await redis.exec(request{"INFO"});
    if (!answer) co_await asio::steady_timer{redis.executor(), milliseconds{50}}.async_wait(use_task);
  } while (!answer && is_transient(answer.error()) && steady_clock::now() < until);  // it has gone away again
  if (!answer) co_return std::unexpected(answer.error());
  auto const info = (*answer)[0].text();
  std::vector<std::string> warnings;
  // Valkey tells its own version beside the Redis it is compatible with.
  std::string const version{info_field(info, "redis_version")};
  int major = 0, minor = 0;
  if (std::sscanf(version.c_str(), "%d.%d", &major, &minor) == 2 && (major < 6 || (major == 6 && minor < 2))) {
    co_return fail(errc::conflict, fmt::format("Redis at {} is version {}; expected Redis 6.2 or newer, or Valkey",
                                               redis.where().to_string(), version));
  }
  auto const policy = info_field(info, "maxmemory_policy");
  if (info_field(info, "maxmemory") != "0" && !policy.empty() && policy != "noeviction" &&
      !policy.starts_with("volatile")) {
    warnings.push_back(fmt::format(
        "maxmemory-policy is {}: Redis may evict members and messages when memory runs out; set it to noeviction",
        policy));
  }
  co_return warnings;
}

task<> look_and_stop(client& redis, std::chrono::milliseconds patience, result<std::vector<std::string>>& out) {
  out = co_await look(redis, patience);
  redis.stop();
}

}  // namespace

result<std::vector<std::string>> check_server(address where, std::chrono::milliseconds patience) {
  asio::io_context io{1};
  client redis{io.get_executor(), std::move(where)};
  result<std::vector<std::string>> out;
  asio::co_spawn(io, look_and_stop(redis, patience, out), [](std::exception_ptr bug) {
    if (bug) std::rethrow_exception(bug);
  });
  io.run();
  if (!out && out.error().code != errc::conflict) {
    return fail(errc::not_connected,
                fmt::format("Redis at {} can't be used: {}; start it, or name another with --redis",
                            redis.where().to_string(), out.error().text));
  }
  return out;
}

}  // namespace hiky::redis
