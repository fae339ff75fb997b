// SPDX-License-Identifier: Apache-2.0
// Messages and a room's log.
#include <fmt/format.h>

#include "row.hpp"
#include "state/chat/keys.hpp"

namespace hiky::script_bench {
namespace {

constexpr int here = 10;  // members of each room that have a connection

// A room of `here` members who are connected and `away` who are not.
void plant_room(stage& on, std::string const& name, int away) {
  room_id const where{name};
  on.all(here, [&](int i) { return on.connect(user(name, i), {{where, true}}); });
  on.all(away, [&](int i) { return done(on.store.members.add(user(name, here + i), where)); });
}

void empty_mailboxes(stage& on, std::string const& name, int away) {
  redis::request ask;
  for (int i = 0; i < away; ++i) {
    auto const who = user(name, here + i);
    ask.add("UNLINK", state::keys::offline_messages(who), state::keys::offline_dropped(who));
  }
  on.command(std::move(ask));
}

row publish(stage& on, std::string what, std::string const& name, int calls, std::string_view content = short_content) {
  return {.script = "publish", .what = std::move(what), .calls = calls, .call = [&on, name, content](int i) {
            return on.say(user(name, i % here), room_id{name}, content);
          }};
}

row away_rows(stage& on, int away, int calls, bool full) {
  auto const name = fmt::format("away{}{}", away, full ? "full" : "");
  auto out = publish(on, fmt::format("10 members are here, {} away, mailboxes {}", away, full ? "are full" : "fill"),
                     name, calls);
  out.plant = [&on, name, away, full] {
    plant_room(on, name, away);
    if (full) on.all(110, [&](int i) { return on.say(user(name, i % here), room_id{name}, short_content); });
  };
  if (!full) out.prepare = [&on, name, away] { empty_mailboxes(on, name, away); };
  return out;
}

std::string fresh_id() {
  static int next = 0;
  return fmt::format("5f1c9e0a-7d31-4c5b-9a77-{:012}", ++next);
}

}  // namespace

std::vector<row> message_rows(stage& on) {
  std::vector<row> out;
  auto quiet = publish(on, "10 members, all here", "here", 500);
  quiet.plant = [&on] { plant_room(on, "here", 0); };
  out.push_back(std::move(quiet));
  out.push_back(
      {.script = "publish",
       .what = "10 members, all here, with a clientMsgId",
       .calls = 300,
       .plant = [&on] { plant_room(on, "told", 0); },
       .call = [&on](int i) { return on.say(user("told", i % here), room_id{"told"}, short_content, fresh_id()); }});
  out.push_back({.script = "publish",
                 .what = "the same clientMsgId again",
                 .calls = 300,
                 .plant =
                     [&on] {
                       plant_room(on, "again", 0);
                       on.all(1,
                              [&on](int) { return on.say(user("again", 0), room_id{"again"}, short_content, "one"); });
                     },
                 .call = [&on](int) { return on.say(user("again", 0), room_id{"again"}, short_content, "one"); }});
  out.push_back(away_rows(on, 10, 90, false));
  out.push_back(away_rows(on, 10, 200, true));
  out.push_back(away_rows(on, 900, 8, false));
  out.push_back(away_rows(on, 900, 5, true));
  auto large = publish(on, "16 KiB, 10 members are here, 10 away, mailboxes are full", "large", 20, large_content);
  large.plant = [&on] {
    plant_room(on, "large", 10);
    on.all(20, [&on](int i) { return on.say(user("large", i % here), room_id{"large"}, large_content); });
  };
  out.push_back(std::move(large));
  auto compared = publish(on, "participants of another program: sets are compared", "compared", 200);
  compared.plant = [&on] {
    plant_room(on, "compared", 0);
    on.command(redis::request{"SADD", state::keys::room_participants(room_id{"compared"}), "neighbour"});
    on.command(redis::request{"SADD", state::keys::online_users, "neighbour"});
  };
  out.push_back(std::move(compared));

  auto const plant_story = [&on] {
    plant_room(on, "story", 0);
    on.all(1000, [&on](int i) { return on.say(user("story", i % here), room_id{"story"}, short_content); });
  };
  out.push_back({.script = "history",
                 .what = "the latest 50 messages of 1,000",
                 .calls = 50,
                 .plant = plant_story,
                 .call = [&on](int) { return done(on.store.room_log.before(room_id{"story"}, 1001, 50)); }});
  out.push_back({.script = "history", .what = "50 messages behind a place", .calls = 50, .call = [&on](int) {
                   return done(on.store.room_log.after(room_id{"story"}, 500, 50));
                 }});
  out.push_back({.script = "history", .what = "nothing behind the latest", .calls = 200, .call = [&on](int) {
                   return done(on.store.room_log.after(room_id{"story"}, 1000, 50));
                 }});
  out.push_back(
      {.script = "room_since",
       .what = "since a time in the middle of 1,000 messages",
       .calls = 100,
       .plant =
           [&on] {
             redis::request ask{"DEL", state::keys::room_log(room_id{"timed"})};
             for (int i = 1; i <= 1000; ++i) {
               ask.add("XADD", state::keys::room_log(room_id{"timed"}), fmt::format("{}-0", i), "m", short_content, "c",
                       "x", "s", "somebody", "t", 1'000'000 + 10 * i);
             }
             ask.add("HSET", state::keys::room_head(room_id{"timed"}), "epoch", "e", "seq", 1000, "t", 1'010'000);
             on.command(std::move(ask));
           },
       .call = [&on](int i) { return done(on.store.members.entry(room_id{"timed"}, person(i), 1'005'000 + i)); }});
  out.push_back({.script = "room_since", .what = "nothing was said since", .calls = 200, .call = [&on](int i) {
                   return done(on.store.members.entry(room_id{"timed"}, person(i), 2'000'000));
                 }});
  out.push_back({.script = "new_epoch",
                 .what = "a room that Redis has set back",
                 .prepare =
                     [&on] {
                       redis::request ask;
                       for (int i = 0; i < 100; ++i)
                         ask.add("HSET", state::keys::room_head(room("epoch", i)), "epoch", "over", "seq", 7);
                       on.command(std::move(ask));
                     },
                 .call = [&on](int i) { return done(on.store.room_log.begin_epoch(room("epoch", i), "over")); }});
  return out;
}

}  // namespace hiky::script_bench
