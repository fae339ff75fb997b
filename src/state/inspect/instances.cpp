// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/instances.hpp"

#include <map>
#include <set>

#include "state/ask.hpp"
#include "state/chat/keys.hpp"

namespace hiky::state {

task<result<std::vector<instance_view>>> list_instances(redis::client& redis) {
  std::map<std::string, instance_view> found;
  std::string cursor{"0"};
  do {
    auto const answer = co_await redis.exec(
        redis::request{"SCAN", cursor, "MATCH", std::string{keys::prefix::instance_connections} + "*", "COUNT", 1000});
    if (!answer) co_return std::unexpected(answer.error());
    auto const page = (*answer)[0].items();
    if (page.size() != 2)
      co_return fail(errc::unexpected_reply, "SCAN answered with something else than a cursor and keys");
    cursor = page[0].text();
    for (auto const& key : page[1].strings()) found[key.substr(keys::prefix::instance_connections.size())];
  } while (cursor != "0");

  redis::request leases{"TIME"};
  leases.add("ZRANGE", keys::instances, 0, -1, "WITHSCORES").add("ZRANGE", keys::sweeps, 0, -1);
  auto const held = co_await redis.exec(std::move(leases));
  if (!held) co_return std::unexpected(in_context(held.error(), "ZRANGE", keys::instances));
  auto const time = (*held)[0].items();
  auto const now = time.size() == 2 ? time[0].integer() * 1000 + time[1].integer() / 1000 : 0;
  // RESP3 gives pairs.
  for (auto const& each : (*held)[1].items()) {
    auto const pair = each.items();
    if (pair.size() == 2) found[std::string{pair[0].text()}].lease = lease_at(pair[1], now);
  }
  for (auto const& name : (*held)[2].strings()) found[name].being_swept = true;

  redis::request looks;
  auto const channel = keys::instance_channels(redis.where().database);
  for (auto const& [name, view] : found) {
    looks.add("HVALS", keys::instance_connections(instance_id{name})).add("PUBSUB", "NUMSUB", channel + name);
  }
  std::vector<instance_view> out;
  if (found.empty()) co_return out;
  auto const seen = co_await redis.exec_each(std::move(looks));
  if (!seen) co_return std::unexpected(seen.error());
  for (std::size_t i = 0; auto& [name, view] : found) {
    auto const holders = (*seen)[i++];
    if (holders.is_error()) {
      co_return std::unexpected(in_context({errc::server_error, std::string{holders.text()}}, "HVALS",
                                           keys::instance_connections(instance_id{name})));
    }
    auto const users = holders.strings();
    view.id = instance_id{name};
    view.connections = static_cast<std::int64_t>(users.size());
    view.users = static_cast<std::int64_t>(std::set<std::string>(users.begin(), users.end()).size());
    if (auto const count = (*seen)[i++].items(); count.size() == 2) view.hears = count[1].integer() > 0;
    out.push_back(std::move(view));
  }
  co_return out;
}

json::array to_json(std::vector<instance_view> const& instances) {
  json::array out;
  for (auto const& i : instances) {
    json::object one{{"id", i.id.str()}, {"lease", to_string(i.lease.view)}};
    if (i.lease.view != lease_view::none) one["leaseLeftMs"] = i.lease.left_ms;
    one["beingSwept"] = i.being_swept;
    one["connections"] = i.connections;
    one["users"] = i.users;
    if (i.hears) one["hearsTheBus"] = *i.hears;
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace hiky::state
