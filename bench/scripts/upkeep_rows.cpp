// SPDX-License-Identifier: Apache-2.0
// Instances that watch each other, and announcements.
#include <memory>

#include <fmt/format.h>

#include "row.hpp"
#include "state/chat/keys.hpp"
#include "state/chat/write_probe.hpp"

namespace hiky::script_bench {
namespace {

using namespace std::chrono_literals;

constexpr int dead = 100, gone = 100;

instance_id dead_instance(int i) { return instance_id{fmt::format("dead-{}", i)}; }

// Members of one room each, whose absence is due to be announced.
user_id absent(int i) { return user("absent", i); }
void all_due(stage& on) {
  redis::request ask{"DEL", state::keys::pending_offline};
  for (int i = 0; i < gone; ++i) ask.add("ZADD", state::keys::pending_offline, 1000 + i, absent(i));
  on.command(std::move(ask));
}

}  // namespace

std::vector<row> upkeep_rows(stage& on) {
  std::vector<row> out;
  auto const living = [&on] { on.lease(); };
  auto const some_dead = [&on] { on.lease(dead); };
  out.push_back(
      {.script = "lease_renew", .what = "5 living instances", .calls = 200, .prepare = living, .call = [&on](int i) {
         return done(on.store.leases.renew(instance_id{fmt::format("chat-{}", i % 5)}, 1h));
       }});
  out.push_back(
      {.script = "lease_take", .what = "a dead instance", .calls = dead, .prepare = some_dead, .call = [&on](int i) {
         return done(on.store.leases.take(dead_instance(i), 15s));
       }});
  out.push_back(
      {.script = "lease_forget", .what = "a dead instance", .calls = dead, .prepare = some_dead, .call = [&on](int i) {
         return done(on.store.leases.forget(dead_instance(i)));
       }});
  out.push_back({.script = "lease_give_up",
                 .what = "no connection is listed",
                 .calls = dead,
                 .prepare = some_dead,
                 .call = [&on](int i) { return done(on.store.leases.give_up(dead_instance(i))); }});

  out.push_back(
      {.script = "write_probe", .what = "Redis takes it", .calls = 200, .prepare = living, .call = [&on](int) {
         return done(state::probe_write(on.redis));
       }});

  auto const plant = [&on] {
    on.lease();
    on.all(gone, [&on](int i) { return done(on.store.members.add(absent(i), room("room", i))); });
  };
  out.push_back({.script = "announce_due",
                 .what = "10 users with 1 room each",
                 .calls = 10,
                 .plant = plant,
                 .prepare = [&on] { all_due(on); },
                 .call = [&on](int) { return done(on.store.announcements.take_due(10, 5000)); }});
  out.push_back({.script = "announce_due",
                 .what = "nobody",
                 .calls = 200,
                 .prepare = [&on] { on.command(redis::request{"DEL", state::keys::pending_offline}); },
                 .call = [&on](int) { return done(on.store.announcements.take_due(10, 5000)); }});
  auto const told = std::make_shared<std::vector<state::due_announcement>>();
  out.push_back({.script = "announce_done",
                 .what = "10 users",
                 .calls = 10,
                 .plant = plant,
                 .prepare = [&on, told] { all_due(on), *told = on.get(on.store.announcements.take_due(gone, 5000)); },
                 .call =
                     [&on, told](int i) {
                       return done(
                           on.store.announcements.remove({told->begin() + 10 * i, told->begin() + 10 * i + 10}));
                     }});
  out.push_back({.script = "announce_back", .what = "10 users with 10 rooms each", .calls = 10, .call = [&on](int i) {
                   std::vector<state::returned_user> users;
                   for (int n = 10 * i; n < 10 * i + 10; ++n) {
                     auto& one = users.emplace_back(busy(n));
                     for (int k = 0; k < 10; ++k) one.rooms.push_back(hall(n + k));
                   }
                   return done(on.store.members.announce_back(std::move(users)));
                 }});
  return out;
}

}  // namespace hiky::script_bench
