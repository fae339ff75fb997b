// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/user_details.hpp"

#include <algorithm>

#include "state/chat/keys.hpp"
#include "state/document/typing_users.hpp"
#include "state/inspect/batch.hpp"

namespace hiky::state {
namespace {

template <class List>
List sorted(List all) {
  std::ranges::sort(all);
  return all;
}

}  // namespace

task<result<user_details>> describe(redis::client& redis, user_id user) {
  batch asked;
  asked.add("SISMEMBER", keys::online_users, user)
      .add("HGETALL", keys::user_connections(user))
      .add("SMEMBERS", keys::user_rooms(user))
      .add("SMEMBERS", keys::member_rooms(user))
      .add("LLEN", keys::offline_messages(user))
      .add("GET", keys::offline_dropped(user))
      .add("HGET", keys::clients, user)
      .add("GET", keys::last_seen(user))
      .add("TTL", keys::banned(user));
  auto const reply = co_await all_of(redis, std::move(asked));
  if (!reply) co_return std::unexpected(reply.error());
  auto types_in = co_await typing_users{redis}.get(user);
  if (!types_in) co_return std::unexpected(types_in.error());
  auto const& r = *reply;
  co_return user_details{.online = r[0].integer() == 1,
                         .connections = sorted(r[1].pairs()),
                         .rooms = sorted(r[2].strings()),
                         .member_rooms = sorted(r[3].strings()),
                         .typing_in = std::move(*types_in),
                         .queued = r[4].integer(),
                         .dropped = r[5].integer(),
                         .client = std::string{r[6].text()},
                         .last_seen = std::string{r[7].text()},
                         .banned_s = std::max<std::int64_t>(r[8].integer(), 0)};
}

task<result<client_list>> list_clients(redis::client& redis) {
  auto const reply = co_await all_of(redis, std::move(batch{}.add("HGETALL", keys::clients)));
  if (!reply) co_return std::unexpected(reply.error());
  co_return client_list{keys::clients, sorted((*reply)[0].pairs())};
}

task<result<membership_list>> list_memberships(redis::client& redis, user_id user) {
  batch asked;
  asked.add("SMEMBERS", keys::member_rooms(user)).add("SISMEMBER", keys::online_users, user);
  auto const reply = co_await all_of(redis, std::move(asked));
  if (!reply) co_return std::unexpected(reply.error());
  co_return membership_list{(*reply)[0].strings(), (*reply)[1].integer() == 1};
}

task<result<void>> forget_absent_user(redis::client& redis, user_id user) {
  auto const gone = co_await redis.exec(
      redis::request{"DEL", keys::offline_messages(user), keys::offline_dropped(user), keys::last_seen(user)});
  if (!gone) co_return std::unexpected(gone.error());
  co_return result<void>{};
}

}  // namespace hiky::state
