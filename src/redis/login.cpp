// SPDX-License-Identifier: Apache-2.0
#include "redis/login.hpp"

#include <fmt/format.h>

namespace hiky::redis {
namespace {

std::string history_in(std::string_view info) {
  constexpr std::string_view name = "master_replid:";
  auto const at = info.find(name);
  if (at == std::string_view::npos) return {};
  auto const id = info.substr(at + name.size());
  return std::string{id.substr(0, id.find_first_of("\r\n"))};
}

std::string role_in(value hello) {
  for (auto const& [name, is] : hello.pairs()) {
    if (name == "role") return is;
  }
  return "server without a role";
}

}  // namespace

request login_request(address const& where) {
  request hello;
  if (where.password.empty()) {
    hello.add("HELLO", 3, "SETNAME", where.client_name);
  } else {
    hello.add("HELLO", 3, "AUTH", where.login_name(), where.password, "SETNAME", where.client_name);
  }
  if (where.database != 0) hello.add("SELECT", where.database);
  hello.add("PING");
  return hello;
}

request replication_request() { return request{"INFO", "replication"}; }

result<login> judge_login(address const& where, reply const& hello, result<reply> const& replication) {
  // A Redis that can't save refuses even a PING; its data can be read.
  if (auto const refused = hello.server_error(); refused && !refused->starts_with("MISCONF")) {
    return fail(errc::server_error,
                fmt::format("{} refused the login: {}{}", where.to_string(), *refused, hint(*refused)));
  }
  auto const role = role_in(hello[0]);
  if (!where.sentinels.empty() && role != "master") {
    return fail(
        errc::not_connected,
        fmt::format("a Sentinel of {} names {}:{} as the master, which says that it is a {}; the next one is asked",
                    where.to_string(), where.host, where.port, role));
  }
  return login{role == "master", replication ? history_in((*replication)[0].text()) : std::string{}};
}

std::string_view hint(std::string_view refusal) {
  if (refusal.contains("NOAUTH"))
    return "; put the user and password into the URL: redis://user:password@host:port, best in HIKY_REDIS";
  if (refusal.contains("WRONGPASS"))
    return "; check the user and password in the URL (redis://user:password@host:port; %40 for @)";
  if (refusal.contains("DB index is out of range"))
    return "; it has fewer databases than --redis-db-ws, --redis-db-app, --redis-db-session or --redis-db-cache say: "
           "`databases` in redis.conf";
  // Of a command, key or channel in a script, Redis says it without the code (7.0).
  if (refusal.contains("NOPERM") || refusal.contains("The user executing the script can't "))
    return "; the user lacks a right or a channel: deploy/redis/users.acl shows all that are needed";
  return {};
}

}  // namespace hiky::redis
