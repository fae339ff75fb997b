// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/json.hpp"
#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/ask.hpp"
#include "state/chat/keys.hpp"
#include "state/document/offline_messages.hpp"
#include "state/inspect/examine.hpp"
#include "state/inspect/mends.hpp"

namespace hiky::state {
namespace {

constexpr std::size_t longest_mailbox = offline_messages::limit;

}  // namespace

task<result<std::vector<observation>>> examine_mailboxes(redis::client& redis, std::vector<subject> subjects,
                                                         mending how) {
  redis::request ask;
  for (auto const& s : subjects) ask.add("LRANGE", s.name, 0, -1);
  auto const answer = co_await redis.exec_each(std::move(ask));
  if (!answer) co_return std::unexpected(answer.error());
  std::vector<observation> out;
  redis::request mends;
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    auto const& s = subjects[i];
    if ((*answer)[i].is_error()) continue;  // its type is a finding of its own
    auto const messages = (*answer)[i].strings();
    for (std::size_t at = 0; at < messages.size(); ++at) {
      auto const parsed = parse_json(messages[at]);
      if (parsed && parsed->is_object()) continue;
      if (how.repair) mends.add("LREM", s.name, 0, messages[at]);
      out.push_back({s,
                     {"poison_mail", s.name,
                      fmt::format("entry {} of {} is {}", at + 1, messages.size(),
                                  parsed ? "JSON, but no object" : fmt::format("not JSON: {}", parsed.error().text)),
                      "each entry is a frame, a JSON object; others are left out when the mail is delivered",
                      how.repair ? "removed the entry" : ""}});
    }
    if (messages.size() > longest_mailbox) {
      if (how.repair) mends.add("LTRIM", s.name, 0, longest_mailbox - 1);
      out.push_back({s,
                     {"mailbox_too_long", s.name, fmt::format("holds {} messages", messages.size()),
                      fmt::format("at most {}", longest_mailbox),
                      how.repair ? fmt::format("kept the newest {}", longest_mailbox) : ""}});
    }
  }
  if (auto const done = co_await carry_out(redis, std::move(mends)); !done) co_return std::unexpected(done.error());
  co_return out;
}

task<result<std::vector<observation>>> examine_inflight(redis::client& redis, std::vector<subject> subjects,
                                                        mending how) {
  static redis::script const script{scripts::fsck_inflight_lua};
  std::vector<observation> out;
  for (auto const& s : subjects) {
    auto const rest = s.name.substr(keys::prefix::offline_inflight.size());
    auto const colon = rest.rfind(':');
    if (colon == std::string::npos) {
      out.push_back(
          {s, {"stray_key", s.name, "names no user and connection", "a user's id, a colon, a connection's id", ""}});
      continue;
    }
    user_id const user{rest.substr(0, colon)};
    auto const connection = rest.substr(colon + 1);
    auto const stuck = co_await ask<std::size_t>(
        redis, script, "fsck_inflight.lua",
        {s.name, keys::user_connections(user), keys::offline_messages(user), keys::offline_dropped(user)},
        std::string_view{how.repair ? "repair" : ""}, connection);
    if (!stuck) co_return std::unexpected(stuck.error());
    if (*stuck == 0) continue;
    out.push_back({s,
                   {"stuck_mail", s.name,
                    fmt::format("{} messages were claimed for connection {}, which is gone", *stuck, connection),
                    "what is not confirmed returns to the mailbox when the connection ends",
                    how.repair ? "put back into the mailbox" : ""}});
  }
  co_return out;
}

}  // namespace hiky::state
