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
  redis::request whole{"MULTI"};
  whole.add("LLEN", key).add("DEL", key, keys::offline_dropped(user)).add("EXEC");
  auto const reply = co_await redis.exec(std::move(whole));
  if (!reply) co_return std::unexpected(reply.error());
  auto const answers = (*reply)[3].items();
  if (answers.size() != 2 || answers[0].is_error()) {
    co_return fail(answers.empty() ? errc::unexpected_reply : errc::server_error,
                   fmt::format("the queue of '{}' is gone, but could not be counted: {}", user.str(),
                               answers.empty() ? "EXEC gave nothing" : answers[0].text()));
  }
  co_return answers[0].integer();
}

}  // namespace hiky::state
