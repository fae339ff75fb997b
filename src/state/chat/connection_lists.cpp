// SPDX-License-Identifier: Apache-2.0
#include "state/chat/connection_lists.hpp"

#include "state/chat/keys.hpp"

namespace hiky::state {

task<result<std::vector<instance_id>>> connection_lists::instances() {
  std::vector<instance_id> out;
  std::string cursor{"0"};
  do {
    auto const pattern = std::string{keys::prefix::instance_connections} + "*";
    auto const answer = co_await redis_.exec(redis::request{"SCAN", cursor, "MATCH", pattern, "COUNT", 1000});
    if (!answer) co_return std::unexpected(answer.error());
    auto const page = (*answer)[0].items();
    if (page.size() != 2)
      co_return fail(errc::unexpected_reply, "SCAN answered with something else than a cursor and keys");
    cursor = page[0].text();
    for (auto const& key : page[1].strings()) out.emplace_back(key.substr(keys::prefix::instance_connections.size()));
  } while (cursor != "0");
  co_return out;
}

task<result<std::vector<std::pair<connection_id, user_id>>>> connection_lists::of_instance(instance_id instance) {
  auto const answer = co_await redis_.exec(redis::request{"HGETALL", keys::instance_connections(instance)});
  if (!answer) co_return std::unexpected(answer.error());
  std::vector<std::pair<connection_id, user_id>> out;
  for (auto& [c, u] : (*answer)[0].pairs()) out.emplace_back(connection_id{std::move(c)}, user_id{std::move(u)});
  co_return out;
}

task<result<connection_list_page>> connection_lists::page(instance_id instance, std::string cursor, std::string pattern,
                                                          std::size_t count) {
  redis::request ask{"TIME"};
  ask.add("HSCAN", keys::instance_connections(instance), cursor, "MATCH", pattern, "COUNT", count);
  auto const answer = co_await redis_.exec(std::move(ask));
  if (!answer) co_return std::unexpected(answer.error());
  auto const time = (*answer)[0].items(), page = (*answer)[1].items();
  if (time.size() != 2 || page.size() != 2)
    co_return fail(errc::unexpected_reply, "TIME or HSCAN answered with something else than two parts");
  connection_list_page out{std::string{page[0].text()}, time[0].integer() * 1000 + time[1].integer() / 1000, {}};
  for (auto& [c, u] : page[1].pairs()) out.connections.emplace_back(connection_id{std::move(c)}, user_id{std::move(u)});
  co_return out;
}

task<result<std::vector<bool>>> connection_lists::contain(instance_id instance,
                                                          std::vector<connection_id> connections) {
  std::vector<bool> out;
  if (connections.empty()) co_return out;
  redis::request ask;
  ask.begin(2 + connections.size()).arg("HMGET").arg(keys::instance_connections(instance));
  for (auto const& c : connections) ask.arg(c);
  auto const answer = co_await redis_.exec(std::move(ask));
  if (!answer) co_return std::unexpected(answer.error());
  for (auto const& user : (*answer)[0].items()) out.push_back(!user.is_null());
  if (out.size() != connections.size())
    co_return fail(errc::unexpected_reply, "HMGET answered for another number of connections");
  co_return out;
}

}  // namespace hiky::state
