// SPDX-License-Identifier: Apache-2.0
#include "state/chat/announcements.hpp"

#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/chat/keys.hpp"

namespace hiky::state {

task<result<std::vector<due_announcement>>> announcements::take_due(std::size_t most, std::int64_t claim_ms) {
  static redis::script const script{scripts::announce_due_lua};
  std::string const used_keys[]{std::string{keys::pending_offline}, std::string{keys::online_users}};
  auto call = script.call(used_keys, 5);
  call.arg(most).arg(claim_ms).arg(keys::prefix::member_rooms).arg(keys::room_channels(database_)).arg(grace_.count());
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  std::vector<due_announcement> out;
  for (auto& [user, claim] : (*answer)[0].pairs()) out.push_back({user_id{std::move(user)}, std::move(claim)});
  co_return out;
}

task<result<std::vector<user_id>>> announcements::remove(std::vector<due_announcement> told) {
  static redis::script const script{scripts::announce_done_lua};
  std::string const used_keys[]{std::string{keys::pending_offline}, std::string{keys::online_users}};
  auto call = script.call(used_keys, 2 * told.size());
  for (auto const& t : told) call.arg(t.user).arg(t.claim);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  std::vector<user_id> back;
  for (auto& user : (*answer)[0].strings()) back.emplace_back(std::move(user));
  co_return back;
}

}  // namespace hiky::state
