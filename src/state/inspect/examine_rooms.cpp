// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/ask.hpp"
#include "state/chat/keys.hpp"
#include "state/inspect/examine.hpp"

namespace hiky::state {

task<result<std::vector<observation>>> examine_rooms(redis::client& redis, std::vector<subject> subjects, mending how) {
  static redis::script const script{scripts::fsck_room_lua};
  std::vector<observation> out;
  for (auto const& s : subjects) {
    room_id const room{s.name};
    std::string const used_keys[]{keys::room_head(room), keys::room_log(room)};
    auto call = script.call(used_keys, 1);
    call.arg(how.repair ? "repair" : "");
    auto const answer = co_await script.run(redis, std::move(call));
    if (!answer) co_return std::unexpected(in_context(answer.error(), "fsck_room.lua", keys::room_head(room)));
    auto const parts = (*answer)[0].items();
    if (parts.size() != 3)
      co_return fail(errc::unexpected_reply, "fsck_room.lua returned something else than its table says");
    std::string const kind{parts[0].text()};
    if (kind == "log_without_head") {
      out.push_back(
          {s,
           {kind, keys::room_log(room), "is a log without a head: nobody can tell its messages' ids",
            fmt::format("{} counts its messages", keys::room_head(room)), how.repair ? "deleted the log" : ""}});
    } else if (kind == "head_unreadable") {
      out.push_back({s,
                     {kind, keys::room_head(room), "seq or renew_at is no number",
                      "numbers; otherwise every message to the room fails",
                      how.repair ? "deleted head and log; the next message begins a new epoch" : ""}});
    } else if (kind == "seq_behind_log") {
      out.push_back({s,
                     {kind, keys::room_head(room),
                      fmt::format("has counted to {}, the log goes to {}", parts[1].integer(), parts[2].integer()),
                      "the head is never behind the log; otherwise every message to the room fails",
                      how.repair ? fmt::format("counts on from {}", parts[2].integer()) : ""}});
    }
  }
  co_return out;
}

}  // namespace hiky::state
