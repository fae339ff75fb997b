// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/ask.hpp"
#include "state/chat/keys.hpp"
#include "state/inspect/examine.hpp"

namespace hiky::state {

task<result<std::vector<observation>>> examine_typing(redis::client& redis, std::vector<subject> subjects,
                                                      mending how) {
  static redis::script const script{scripts::fsck_typing_lua};
  std::string const used_keys[]{std::string{keys::typing_users}, std::string{keys::typing_marks}};
  auto call = script.call(used_keys, 3 + subjects.size());
  call.arg(how.repair ? "repair" : "").arg(keys::prefix::typing_user).arg(keys::room_channels(redis.where().database));
  for (auto const& s : subjects) call.arg(s.name);
  auto const answer = co_await script.run(redis, std::move(call));
  if (!answer) co_return std::unexpected(in_context(answer.error(), "fsck_typing.lua", keys::typing_users));
  std::vector<observation> out;
  for (auto const& each : (*answer)[0].items()) {
    auto const mark = each.strings();
    if (mark.size() != 2) continue;
    auto const &user = mark[0], &room = mark[1];
    out.push_back({{subject_kind::typing, user},
                   {"orphan_typing", std::string{keys::typing_users},
                    fmt::format("{} types in {}, but the mark has no life", user, room),
                    fmt::format("an entry goes with its key {}", keys::typing_user(user_id{user})),
                    how.repair ? "removed, and told the room" : ""}});
  }
  co_return out;
}

}  // namespace hiky::state
