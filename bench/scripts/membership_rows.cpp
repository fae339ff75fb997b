// SPDX-License-Identifier: Apache-2.0
// Users come to rooms and leave them.
#include <fmt/format.h>

#include "row.hpp"
#include "state/chat/keys.hpp"

namespace hiky::script_bench {
namespace {

constexpr int joiners = 100;
constexpr std::size_t shown = 1000;  // as hikyd asks for

// Each of them joins a hall that has ten people.
user_id joiner(int i) { return user("joiner", i); }
call join(stage& on, int i) {
  return done(on.store.members.join(joiner(i), hall(i), stage::connection(joiner(i)), shown));
}
call leave(stage& on, int i) { return done(on.store.members.leave(joiner(i), hall(i))); }

}  // namespace

std::vector<row> membership_rows(stage& on) {
  std::vector<row> out;
  auto const plant = [&on] { on.all(joiners, [&on](int i) { return on.connect(joiner(i)); }); };
  auto const all_leave = [&on] {
    on.all(joiners, [&on](int i) { return leave(on, i); });
    on.command(redis::request{"DEL", state::keys::pending_offline});
  };
  out.push_back({.script = "join",
                 .what = "a room of 10, a new member",
                 .calls = joiners,
                 .plant = plant,
                 .prepare = all_leave,
                 .call = [&on](int i) { return join(on, i); }});
  out.push_back({.script = "join",
                 .what = "a room of 10, a member of it",
                 .calls = joiners,
                 .plant = plant,
                 .prepare = [&on] { on.all(joiners, [&on](int i) { return join(on, i); }); },
                 .call = [&on](int i) { return join(on, i); }});
  out.push_back(
      {.script = "join",
       .what = "a room of 1,000, 500 of them away within the grace",
       .calls = 5,
       .plant =
           [&on] {
             on.all(500, [&on](int i) { return on.connect(user("full", i), {{room_id{"full"}}}); });
             on.all(500, [&on](int i) { return done(on.store.members.add(user("full", 500 + i), room_id{"full"})); });
           },
       .prepare =
           [&on] {
             redis::request ask{"DEL", state::keys::pending_offline};
             for (int i = 0; i < 500; ++i)
               ask.add("ZADD", state::keys::pending_offline, 4'000'000'000'000, user("full", 500 + i));
             on.command(std::move(ask));
           },
       .call =
           [&on](int i) {
             auto const who = user("full", i);
             return done(on.store.members.join(who, room_id{"full"}, stage::connection(who), shown));
           }});
  out.push_back({.script = "leave",
                 .what = "a member",
                 .calls = joiners,
                 .plant = plant,
                 .prepare = [&on] { on.all(joiners, [&on](int i) { return join(on, i); }); },
                 .call = [&on](int i) { return leave(on, i); }});
  out.push_back({.script = "member_add",
                 .what = "a user who is online",
                 .calls = joiners,
                 .plant = plant,
                 .prepare = all_leave,
                 .call = [&on](int i) { return done(on.store.members.add(joiner(i), hall(i))); }});
  out.push_back({.script = "member_add",
                 .what = "a user who is away",
                 .calls = joiners,
                 .prepare =
                     [&on] {
                       on.all(joiners,
                              [&on](int i) { return done(on.store.members.leave(user("stranger", i), hall(i))); });
                     },
                 .call = [&on](int i) { return done(on.store.members.add(user("stranger", i), hall(i))); }});
  out.push_back({.script = "remove_room_if_empty", .what = "a room with people", .calls = 200, .call = [&on](int i) {
                   return done(on.room_participants.remove_if_empty(hall(i)));
                 }});
  return out;
}

}  // namespace hiky::script_bench
