// SPDX-License-Identifier: Apache-2.0
// Looks at single keys: their types and lives, mailboxes, mail on its way, typing marks, rooms' logs.
#include <fmt/format.h>

#include <charconv>

#include "base/json.hpp"
#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/ask.hpp"
#include "state/chat/keys.hpp"
#include "state/chat/room_log.hpp"
#include "state/chat/typing_marks.hpp"
#include "state/document/offline_messages.hpp"
#include "state/inspect/examine.hpp"

namespace hiky::state {
namespace {

namespace prefix = keys::prefix;
constexpr std::size_t longest_mailbox = offline_messages::limit;

bool is_number(std::string_view text) {
  std::int64_t number = 0;
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  return ec == std::errc{} && end == text.data() + text.size();
}

// Carries out the mends that were collected; nothing to do is fine.
task<result<void>> carry_out(redis::client& redis, redis::request mends) {
  if (mends.commands() == 0) co_return result<void>{};
  auto const done = co_await redis.exec_each(std::move(mends));
  if (!done) co_return std::unexpected(done.error());
  if (auto const refused = done->server_error()) co_return fail(errc::server_error, std::string{*refused});
  co_return result<void>{};
}

}  // namespace

task<result<std::vector<seen>>> examine_keys(redis::client& redis, std::vector<subject> subjects, mending how) {
  redis::request ask;
  for (auto const& s : subjects) {
    ask.add("TYPE", s.name).add("PTTL", s.name);
    if (s.name.starts_with(prefix::offline_dropped)) ask.add("GET", s.name);
  }
  auto const answer = co_await redis.exec_each(std::move(ask));
  if (!answer) co_return std::unexpected(answer.error());
  std::vector<seen> out;
  redis::request mends;
  auto const tell = [&](subject const& s, finding f) { out.push_back({s, std::move(f)}); };
  std::size_t i = 0;
  for (auto const& s : subjects) {
    auto const type = (*answer)[i++].text();
    auto const life = (*answer)[i++].integer();
    auto const counter =
        s.name.starts_with(prefix::offline_dropped) ? (*answer)[i++].string() : std::optional<std::string>{"0"};
    if (type == "none") continue;
    auto const* family = keys::family_of(s.name);
    if (family == nullptr) {
      if (how.strays) mends.add("UNLINK", s.name);
      tell(s,
           {"stray_key", s.name, fmt::format("this version knows no such key (a {})", type),
            "only known keys lie under ws:; it belongs to a newer version, or to nobody", how.strays ? "deleted" : ""});
    } else if (type != family->type) {
      if (how.repair) mends.add("UNLINK", s.name);
      tell(s,
           {"wrong_type", s.name, fmt::format("holds a {}", type),
            fmt::format("a {}; with anything else here, our scripts fail", family->type), how.repair ? "deleted" : ""});
    } else if (life == -1 && (family->name == prefix::typing_user || family->name == prefix::dedup)) {
      bool const types = family->name == prefix::typing_user;
      auto const seconds = types ? static_cast<int>(typing_life_s) : room_log_limits{}.dedup_s;
      if (how.repair) mends.add("EXPIRE", s.name, seconds);
      tell(s, {"never_ends", s.name, "has no end of life",
               types ? "a typing mark ends by itself" : "a clientMsgId is forgotten after a while",
               how.repair ? fmt::format("ends in {} s", seconds) : ""});
    } else if (counter && !is_number(*counter)) {
      if (how.repair) mends.add("UNLINK", s.name);
      tell(s, {"counter_unreadable", s.name, "holds something else than a number",
               "a number; otherwise messages to rooms of this user fail", how.repair ? "deleted" : ""});
    }
  }
  if (auto const done = co_await carry_out(redis, std::move(mends)); !done) co_return std::unexpected(done.error());
  co_return out;
}

task<result<std::vector<seen>>> examine_mailboxes(redis::client& redis, std::vector<subject> subjects, mending how) {
  redis::request ask;
  for (auto const& s : subjects) ask.add("LRANGE", s.name, 0, -1);
  auto const answer = co_await redis.exec_each(std::move(ask));
  if (!answer) co_return std::unexpected(answer.error());
  std::vector<seen> out;
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

task<result<std::vector<seen>>> examine_inflight(redis::client& redis, std::vector<subject> subjects, mending how) {
  static redis::script const script{scripts::fsck_inflight_lua};
  std::vector<seen> out;
  for (auto const& s : subjects) {
    auto const rest = s.name.substr(prefix::offline_inflight.size());
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

task<result<std::vector<seen>>> examine_typing(redis::client& redis, std::vector<subject> subjects, mending how) {
  static redis::script const script{scripts::fsck_typing_lua};
  std::string const used_keys[]{std::string{keys::typing_users}, std::string{keys::typing_marks}};
  auto call = script.call(used_keys, 3 + subjects.size());
  call.arg(how.repair ? "repair" : "").arg(prefix::typing_user).arg(keys::room_channels(redis.where().database));
  for (auto const& s : subjects) call.arg(s.name);
  auto const answer = co_await script.run(redis, std::move(call));
  if (!answer) co_return std::unexpected(in_context(answer.error(), "fsck_typing.lua", keys::typing_users));
  std::vector<seen> out;
  for (auto const& each : (*answer)[0].items()) {
    auto const mark = each.strings();
    if (mark.size() != 2) continue;
    auto const &user = mark[0], &room = mark[1];
    out.push_back({{look::typing, user},
                   {"orphan_typing", std::string{keys::typing_users},
                    fmt::format("{} types in {}, but the mark has no life", user, room),
                    fmt::format("an entry goes with its key {}", keys::typing_user(user_id{user})),
                    how.repair ? "removed, and told the room" : ""}});
  }
  co_return out;
}

task<result<std::vector<seen>>> examine_rooms(redis::client& redis, std::vector<subject> subjects, mending how) {
  static redis::script const script{scripts::fsck_room_lua};
  std::vector<seen> out;
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
