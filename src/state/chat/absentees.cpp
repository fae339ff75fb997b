// SPDX-License-Identifier: Apache-2.0
#include "state/chat/absentees.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/ask.hpp"
#include "state/chat/keys.hpp"

namespace hiky::state {

namespace {
constexpr int looked_at_once = 1000;
}

task<result<absentees::page>> absentees::find(std::string cursor, std::chrono::seconds long_ago) {
  auto const pattern = std::string{keys::prefix::last_seen} + "*";
  redis::request looks{"SCAN", cursor, "MATCH", pattern, "COUNT", looked_at_once};
  looks.add("TIME");
  auto const answer = co_await redis_.exec(std::move(looks));
  if (!answer) co_return std::unexpected(in_context(answer.error(), "SCAN", pattern));
  auto const found = (*answer)[0].items();
  auto const time = (*answer)[1].items();
  if (found.size() != 2 || time.size() != 2)
    co_return fail(errc::unexpected_reply, "SCAN or TIME answered with something else than two values");
  page out{{}, std::string{found[0].text()}};
  auto const all = found[1].strings();
  if (all.empty()) co_return out;

  std::chrono::system_clock::time_point const theirs{std::chrono::seconds{time[0].integer()}};
  auto const before = iso8601(std::min(theirs, std::chrono::system_clock::now()) - long_ago);
  redis::request about;
  for (auto const& key : all) {
    user_id const user{key.substr(keys::prefix::last_seen.size())};
    about.add("GET", key).add("EXISTS", keys::user_connections(user)).add("SISMEMBER", keys::online_users, user);
  }
  auto const told = co_await redis_.exec_each(std::move(about));
  if (!told) co_return std::unexpected(in_context(told.error(), "GET", keys::prefix::last_seen));
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto const seen = (*told)[3 * i];
    bool const here = (*told)[3 * i + 1].integer() != 0 || (*told)[3 * i + 2].integer() != 0;
    // Times of one form are in order as texts. A text of another form is another program's, and proves nothing.
    if (!here && seen.text().size() == before.size() && seen.text() < before)
      out.users.emplace_back(all[i].substr(keys::prefix::last_seen.size()));
  }
  co_return out;
}

task<result<std::vector<room_id>>> absentees::rooms(user_id user, std::size_t most) {
  return ask<std::vector<room_id>>(redis_, "SRANDMEMBER", keys::member_rooms(user), most);
}

task<result<bool>> absentees::forget(user_id user) {
  static redis::script const script{scripts::forget_lua};
  return ask<bool>(redis_, script, "forget.lua",
                   {keys::last_seen(user), keys::user_connections(user), std::string{keys::online_users},
                    keys::member_rooms(user), keys::offline_messages(user), keys::offline_dropped(user)},
                   user);
}

}  // namespace hiky::state
