// SPDX-License-Identifier: Apache-2.0
#include "state/chat/presence.hpp"

#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/chat/announcements.hpp"
#include "state/chat/keys.hpp"

namespace hiky::state {

task<result<std::vector<bool>>> presence::online(std::vector<user_id> users) {
  std::vector<bool> out;
  if (users.empty()) co_return out;
  redis::request ask;
  ask.begin(2 + users.size()).arg("SMISMEMBER").arg(keys::online_users);
  for (auto const& user : users) ask.arg(user);
  ask.begin(2 + users.size()).arg("ZMSCORE").arg(keys::pending_offline);
  for (auto const& user : users) ask.arg(user);
  auto const answer = co_await redis_.exec(std::move(ask));
  if (!answer) co_return std::unexpected(answer.error());
  auto const here = (*answer)[0].items(), due = (*answer)[1].items();
  if (here.size() != users.size() || due.size() != users.size()) {
    co_return fail(errc::unexpected_reply, "SMISMEMBER or ZMSCORE answered for another number of users");
  }
  for (std::size_t i = 0; i < users.size(); ++i)
    out.push_back(here[i].integer() == 1 || (!due[i].is_null() && is_unannounced(due[i].text())));
  co_return out;
}

task<result<std::vector<std::string>>> presence::last_seen(std::vector<user_id> users) {
  std::vector<std::string> out;
  if (users.empty()) co_return out;
  redis::request ask;
  for (auto const& user : users) ask.add("GET", keys::last_seen(user));
  auto const answer = co_await redis_.exec(std::move(ask));
  if (!answer) co_return std::unexpected(answer.error());
  for (std::size_t i = 0; i < users.size(); ++i) out.emplace_back((*answer)[i].text());
  co_return out;
}

task<result<void>> presence::seen(std::vector<user_id> users, std::string when) {
  static redis::script const script{scripts::seen_lua};
  std::string const used_keys[]{std::string{keys::clients}};
  auto call = script.call(used_keys, 1 + users.size());
  call.arg(when);
  for (auto const& user : users) call.arg(user);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return result<void>{};
}

}  // namespace hiky::state
