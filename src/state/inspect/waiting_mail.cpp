// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/waiting_mail.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "state/chat/keys.hpp"
#include "state/inspect/batch.hpp"

namespace hiky::state {

task<result<waiting_mail>> list_mail(redis::client& redis, user_id user) {
  batch asked;
  asked.add("LRANGE", keys::offline_messages(user), 0, -1).add("GET", keys::offline_dropped(user));
  auto const reply = co_await all_of(redis, std::move(asked));
  if (!reply) co_return std::unexpected(reply.error());
  waiting_mail out{keys::offline_messages(user), (*reply)[0].strings(), (*reply)[1].integer()};
  std::ranges::reverse(out.messages);  // the key holds the newest first
  co_return out;
}

task<result<std::int64_t>> clear_mail(redis::client& redis, user_id user) {
  auto const key = keys::offline_messages(user);
  redis::request both;
  both.add("LLEN", key).add("DEL", key, keys::offline_dropped(user));
  auto const reply = co_await redis.exec_each(std::move(both));
  if (!reply) co_return std::unexpected(reply.error());
  auto const count = (*reply)[0], gone = (*reply)[1];
  if (gone.is_error()) co_return fail(errc::server_error, std::string{gone.text()});
  if (count.is_error()) {
    co_return fail(errc::server_error,
                   fmt::format("the queue of '{}' is gone, but could not be counted: {}", user.str(), count.text()));
  }
  co_return count.integer();
}

}  // namespace hiky::state
