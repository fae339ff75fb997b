// SPDX-License-Identifier: Apache-2.0
#include "state/mailbox.hpp"

#include <algorithm>

#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/keys.hpp"

namespace hiky::state {

task<result<std::vector<std::string>>> mailbox::look(user_id user) {
  auto const answer = co_await redis_.exec(redis::request{"LRANGE", keys::offline_messages(user), 0, -1});
  if (!answer) co_return std::unexpected(answer.error());
  co_return (*answer)[0].strings();
}

task<result<claimed_mail>> mailbox::claim(user_id user, connection_id connection, std::optional<std::string> newest) {
  static redis::script const script{scripts::mail_claim_lua};
  std::string const used_keys[]{keys::offline_messages(user), keys::offline_inflight(user, connection), keys::offline_dropped(user),
                                keys::user_connections(user)};
  auto call = script.call(used_keys, newest ? 2 : 1);
  call.arg(connection);
  if (newest) call.arg(*newest);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  claimed_mail out;
  auto const items = (*answer)[0].items();
  if (!items.empty()) out.dropped = items.front().integer();
  for (std::size_t i = 1; i < items.size(); ++i) out.messages.emplace_back(items[i].text());
  std::ranges::reverse(out.messages);
  co_return out;
}

task<result<void>> mailbox::confirm(user_id user, connection_id connection, std::size_t count, std::int64_t dropped) {
  static redis::script const script{scripts::mail_confirm_lua};
  std::string const used_keys[]{keys::offline_inflight(user, connection), keys::offline_dropped(user)};
  auto call = script.call(used_keys, 2);
  call.arg(dropped).arg(count);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return result<void>{};
}

}  // namespace hiky::state
