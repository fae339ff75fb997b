// SPDX-License-Identifier: Apache-2.0
// The scripts behind operators' questions: explain and fsck.
#include <memory>

#include <fmt/format.h>

#include "row.hpp"
#include "state/chat/keys.hpp"
#include "state/inspect/examine.hpp"
#include "state/inspect/explain_message.hpp"
#include "state/inspect/explain_user.hpp"

namespace hiky::script_bench {
namespace {

using state::subject_kind, state::subject;

// A hundred things of a kind.
std::vector<subject> hundred(subject_kind kind, std::function<subject(int)> const& name) {
  std::vector<subject> out;
  for (int i = 0; i < 100; ++i) out.push_back(name(i)), out.back().kind = kind;
  return out;
}

}  // namespace

std::vector<row> inspection_rows(stage& on) {
  std::vector<row> out;
  out.push_back({.script = "explain_user", .what = "1 connection, 10 rooms", .calls = 50, .call = [&on](int i) {
                   return done(state::explain_user(on.redis, busy(i)));
                 }});
  auto const id = std::make_shared<std::string>();
  out.push_back({.script = "explain_delivery",
                 .what = "10 members are here, 10 away with full mailboxes",
                 .calls = 10,
                 .plant =
                     [&on, id] {
                       room_id const where{"explained"};
                       on.all(10, [&](int i) { return on.connect(user("explained", i), {{where, true}}); });
                       on.all(10, [&](int i) { return done(on.store.members.add(user("explained", 10 + i), where)); });
                       on.all(100, [&](int i) { return on.say(user("explained", i % 10), where, short_content); });
                       *id = on.get(on.store.room_log.publish(
                                        {where, user("explained", 0), connection_id{"x"}, short_content, {}}))
                                 .message_id;
                     },
                 .call =
                     [&on, id](int) {
                       return done(state::explain_message(on.redis, {.message_id = *id, .room = room_id{"explained"}}));
                     }});

  out.push_back({.script = "fsck_users", .what = "100 users", .calls = 10, .call = [&on](int) {
                   return done(state::examine_users(
                       on.redis, hundred(subject_kind::user, [](int i) { return subject{{}, person(i).str()}; }), {}));
                 }});
  out.push_back({.script = "fsck_pairs", .what = "100 pairs", .calls = 10, .call = [&on](int) {
                   return done(state::examine_pairs(
                       on.redis,
                       hundred(subject_kind::pair,
                               [](int i) { return subject{{}, person(i).str(), room("room", i / 10).str()}; }),
                       {}));
                 }});
  out.push_back({.script = "fsck_listed",
                 .what = "500 connections of an instance",
                 .calls = 4,
                 .prepare = [&on] { on.lease(); },
                 .call =
                     [&on](int i) {
                       return done(state::examine_instances(
                           on.redis, {{subject_kind::instance, fmt::format("chat-{}", 1 + i)}}, {}));
                     }});
  out.push_back({.script = "fsck_inflight",
                 .what = "a connection that is gone, 20 messages",
                 .calls = 1,
                 .plant =
                     [&on] {
                       redis::request ask;
                       for (int i = 0; i < 100; ++i) {
                         auto const key = state::keys::offline_inflight(user("lost", i), connection_id{"gone.1"});
                         for (int n = 0; n < 20; ++n) ask.add("LPUSH", key, short_content);
                       }
                       on.command(std::move(ask));
                     },
                 .call =
                     [&on](int) {
                       return done(state::examine_inflight(
                           on.redis,
                           hundred(subject_kind::inflight,
                                   [](int i) {
                                     return subject{
                                         {}, state::keys::offline_inflight(user("lost", i), connection_id{"gone.1"})};
                                   }),
                           {}));
                     }});
  out.push_back({.script = "fsck_typing",
                 .what = "100 users, whose marks have no life",
                 .calls = 10,
                 .prepare =
                     [&on] {
                       redis::request ask{"DEL", state::keys::typing_users, state::keys::typing_marks};
                       for (int i = 0; i < 100; ++i)
                         ask.add("HSET", state::keys::typing_users, user("vanished", i), "tea");
                       on.command(std::move(ask));
                     },
                 .call =
                     [&on](int) {
                       return done(state::examine_typing(
                           on.redis,
                           hundred(subject_kind::typing, [](int i) { return subject{{}, user("vanished", i).str()}; }),
                           {}));
                     }});
  out.push_back({.script = "fsck_room", .what = "a room with 20 messages", .calls = 1, .call = [&on](int) {
                   return done(state::examine_rooms(
                       on.redis, hundred(subject_kind::room, [](int i) { return subject{{}, hall(i).str()}; }), {}));
                 }});
  return out;
}

}  // namespace hiky::script_bench
