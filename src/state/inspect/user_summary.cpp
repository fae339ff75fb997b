// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/user_summary.hpp"

#include <algorithm>

#include "state/chat/keys.hpp"
#include "state/document/typing_users.hpp"
#include "state/stored_json.hpp"

namespace hiky::state {

task<result<user_summary>> summary_of(redis::client& redis, user_id user) {
  redis::request asked;
  asked.add("HLEN", keys::user_connections(user))
      .add("SCARD", keys::member_rooms(user))
      .add("LLEN", keys::offline_messages(user))
      .add("GET", keys::offline_dropped(user))
      .add("TTL", keys::banned(user))
      .add("HGET", keys::clients, user)
      .add("GET", keys::last_seen(user));
  auto const reply = co_await redis.exec(std::move(asked));
  if (!reply) co_return std::unexpected(reply.error());
  auto types_in = co_await typing_users{redis}.get(user);
  if (!types_in) co_return std::unexpected(types_in.error());
  user_summary out{.connections = (*reply)[0].integer(),
                   .rooms = (*reply)[1].integer(),
                   .queued = (*reply)[2].integer(),
                   .dropped = (*reply)[3].integer(),
                   .kept_out_s = std::max<std::int64_t>((*reply)[4].integer(), 0),
                   .last_seen{},
                   .typing_in = std::move(*types_in)};
  // The entry in ws:clients goes when the last connection ends; ws:last_seen takes over.
  auto const client = parse_object((*reply)[5].text());
  auto const* seen = client ? client->if_contains("lastSeen") : nullptr;
  out.last_seen = seen && seen->is_string() ? std::string_view{seen->as_string()} : (*reply)[6].text();
  co_return out;
}

task<result<std::vector<std::pair<connection_id, std::string>>>> connections_of(redis::client& redis, user_id user) {
  auto const reply = co_await redis.exec(redis::request{"HGETALL", keys::user_connections(user)});
  if (!reply) co_return std::unexpected(reply.error());
  std::vector<std::pair<connection_id, std::string>> out;
  for (auto& [id, text] : (*reply)[0].pairs()) out.emplace_back(connection_id{std::move(id)}, std::move(text));
  std::ranges::sort(out);
  co_return out;
}

}  // namespace hiky::state
