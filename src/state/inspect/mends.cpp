// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/mends.hpp"

#include "state/chat/connections.hpp"

namespace hiky::state {

task<result<void>> carry_out(redis::client& redis, redis::request mends) {
  if (mends.commands() == 0) co_return result<void>{};
  auto const done = co_await redis.exec_each(std::move(mends));
  if (!done) co_return std::unexpected(done.error());
  if (auto const refused = done->server_error()) co_return fail(errc::server_error, std::string{*refused});
  co_return result<void>{};
}

task<result<void>> end_connection(redis::client& redis, connection_id connection, instance_id instance, user_id user,
                                  std::int64_t since_ms) {
  // Not 0: friends are told by the instance that takes the announcement.
  constexpr std::chrono::milliseconds at_once{1};
  connections all{redis, redis.where().database, at_once};
  auto const left = co_await all.remove(std::move(connection), std::move(instance), std::move(user), {since_ms, {}});
  if (!left) co_return std::unexpected(left.error());
  co_return result<void>{};
}

}  // namespace hiky::state
