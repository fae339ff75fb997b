// SPDX-License-Identifier: Apache-2.0
#include "chat/room_policy.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace hiky::chat {

using kind = room_policy_settings::kind;

room_policy::room_policy(asio::any_io_executor executor, room_policy_settings const& settings, state::members& members,
                         directory::directory& people, redis::address redis, user_rates& rates, counters& count)
    : by_(settings.by), members_(members), people_(people) {
  redis.database = settings.cache_database;
  if (by_ == kind::hook)
    hook_ = std::make_unique<room_hook>(std::move(executor), settings.hook, std::move(redis), rates, count);
}

task<result<void>> room_policy::may_join(user_id user, room_id room) {
  // A token's rooms are judged wherever a room is named, not only at its door.
  if (by_ == kind::open || by_ == kind::token) co_return result<void>{};
  auto const may = by_ == kind::members ? co_await is_member(user, room) : co_await hook_->may_join(user, room);
  if (!may) {
    log::warn("room.unjudged", {{"user", user.str()},
                                {"room", room.str()},
                                {"code", to_string(may.error().code)},
                                {"reason", may.error().text}});
    co_return std::unexpected(may.error());
  }
  if (!*may)
    co_return fail(errc::invalid_argument,
                   by_ == kind::members ? "only members may enter this room" : "you may not enter this room");
  co_return result<void>{};
}

task<result<bool>> room_policy::is_member(user_id user, room_id room) {
  auto const member = co_await members_.contains(room, user);
  if (!member || *member) co_return member;
  auto const entry = co_await people_.load(user);
  if (!entry) co_return std::unexpected(entry.error());
  co_return std::ranges::find(entry->rooms, room) != entry->rooms.end();
}

}  // namespace hiky::chat
