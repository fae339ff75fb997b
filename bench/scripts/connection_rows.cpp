// SPDX-License-Identifier: Apache-2.0
// Connections begin, end, and are asked about.
#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "row.hpp"
#include "state/chat/keys.hpp"

namespace hiky::script_bench {
namespace {

// Some users, each in the same rooms: `name-rooms-0`…
struct crowd {
  stage& on;
  std::string name;
  int users = 0, rooms = 0;

  user_id one(int i) const { return user(name, i); }
  std::vector<state::connection_room> their_rooms() const {
    std::vector<state::connection_room> out;
    for (int k = 0; k < rooms; ++k) out.emplace_back(room(name, k), true);
    return out;
  }
  void connect(int connection = 1) const {
    on.all(users, [this, connection](int i) { return on.connect(one(i), their_rooms(), connection); });
  }
  void disconnect(int connection = 1) const {
    on.all(users, [this, connection](int i) { return on.disconnect(one(i), heard(), connection); });
  }
  void speak(int messages) const {
    on.all(messages * rooms, [this](int i) { return on.say(user(name, users), room(name, i % rooms), short_content); });
  }
  // All users are connected, and other users send messages.
  void plant() const {
    connect();
    on.all(1, [this](int) { return on.connect(user(name, users), their_rooms()); });
    speak(25);
  }
  // All messages of the rooms, but for the latest ones.
  state::unsure_mail heard(std::uint64_t unconfirmed = 0) const {
    state::unsure_mail out;
    for (auto& [where, place] : places) {
      out.heard.push_back({where, {place.epoch, place.seq - std::min(place.seq, unconfirmed)}});
      out.given.push_back({place.epoch, 1, place.seq});
    }
    return out;
  }
  // The places of the rooms now.
  void look() { places = on.get(on.store.members.places(user(name, users))).rooms; }
  void forget_mail() const {
    redis::request ask{"DEL", state::keys::pending_offline};
    for (int i = 0; i < users; ++i)
      ask.add("DEL", state::keys::offline_messages(one(i)), state::keys::offline_dropped(one(i)));
    on.command(std::move(ask));
  }
  void forget_rooms() const {
    redis::request ask;
    for (int i = 0; i < users; ++i) {
      ask.add("DEL", state::keys::member_rooms(one(i)), state::keys::user_rooms(one(i)));
      for (int k = 0; k < rooms; ++k) ask.add("SREM", state::keys::room_members(room(name, k)), one(i).str());
    }
    on.command(std::move(ask));
  }

  std::vector<std::pair<room_id, state::message_place>> places{};
};

row connect(stage& on, int rooms, int calls) {
  auto const all = std::make_shared<crowd>(crowd{on, fmt::format("comer{}", rooms), calls, rooms});
  return {.script = "connect",
          .what = rooms == 0 ? "no room" : fmt::format("{} rooms", rooms),
          .calls = calls,
          .plant = [all] { all->plant(), all->look(); },
          .prepare = [all] { all->disconnect(), all->forget_mail(); },
          .call = [all](int i) { return all->on.connect(all->one(i), all->their_rooms()); }};
}

// Redis has lost what it knew of the users, and their instance tells it again.
row asserted(stage& on, int rooms, int calls) {
  auto const all = std::make_shared<crowd>(crowd{on, fmt::format("lost{}", rooms), calls, rooms});
  return {.script = "connect",
          .what = fmt::format("{} rooms, as the instance remembers them", rooms),
          .calls = calls,
          .plant = [all] { all->plant(), all->look(); },
          .prepare = [all] { all->disconnect(), all->forget_mail(), all->forget_rooms(); },
          .call =
              [all](int i) {
                constexpr std::int64_t ever = 4'102'444'800'000;  // 2100, which is not long ago
                return done(all->on.store.connections.add(stage::details(all->one(i)), all->their_rooms(),
                                                          state::membership::remembered, 0, ever));
              }};
}

row disconnect(stage& on, std::string what, int rooms, int calls, std::uint64_t unconfirmed = 0) {
  auto const name = fmt::format("goer{}x{}", rooms, unconfirmed);
  auto const all = std::make_shared<crowd>(crowd{on, name, calls, rooms});
  return {.script = "disconnect",
          .what = std::move(what),
          .calls = calls,
          .plant = [all] { all->plant(), all->look(); },
          .prepare = [all] { all->connect(), all->forget_mail(); },
          .call = [all, unconfirmed](int i) { return all->on.disconnect(all->one(i), all->heard(unconfirmed)); }};
}

// A user with many rooms, whose devices have one token, which names half of the rooms. The last device comes, or goes.
row tokens(stage& on, std::string script, int rooms, int devices) {
  auto const all = std::make_shared<crowd>(crowd{on, fmt::format("{}token{}", script, rooms), 5, rooms});
  auto const comes = [all](int i, int device) {
    auto about = stage::details(all->one(i), device);
    about.rooms.emplace();
    for (int k = 0; k < all->rooms / 2; ++k) about.rooms->push_back(room(all->name, k).str());
    return done(all->on.store.connections.add(
        std::move(about), device == 1 ? all->their_rooms() : std::vector<state::connection_room>{}));
  };
  auto const goes = [all, devices](int i) { return all->on.disconnect(all->one(i), all->heard(), devices); };
  bool const begins = script == "connect";
  return {.script = std::move(script),
          .what = fmt::format("{} rooms, a token for {} of them, {} connections", rooms, rooms / 2, devices),
          .calls = all->users,
          .plant =
              [=] {
                for (int device = 1; device <= devices; ++device)
                  all->on.all(all->users, [=](int i) { return comes(i, device); });
              },
          .prepare =
              [=] {
                if (begins) all->disconnect(devices);
                else all->on.all(all->users, [=](int i) { return comes(i, devices); });
                all->forget_mail();
              },
          .call = [=](int i) { return begins ? comes(i, devices) : goes(i); }};
}

}  // namespace

std::vector<row> connection_rows(stage& on) {
  std::vector<row> out;
  out.push_back(connect(on, 0, 100));
  out.push_back(connect(on, 10, 50));
  out.push_back(connect(on, 100, 10));

  auto const second = std::make_shared<crowd>(crowd{on, "second", 50, 10});
  out.push_back({.script = "connect",
                 .what = "10 rooms, a second connection",
                 .calls = second->users,
                 .plant = [second] { second->plant(), second->look(); },
                 .prepare = [second] { second->disconnect(2); },
                 .call = [second](int i) { return second->on.connect(second->one(i), second->their_rooms(), 2); }});
  auto const some = std::make_shared<crowd>(crowd{on, "some", 50, 10});
  out.push_back({.script = "connect",
                 .what = "10 rooms, a token for 5 of them",
                 .calls = some->users,
                 .plant = [some] { some->plant(), some->look(); },
                 .prepare = [some] { some->disconnect(), some->forget_mail(); },
                 .call =
                     [some](int i) {
                       auto about = stage::details(some->one(i));
                       about.rooms = {"some-0", "some-1", "some-2", "some-3", "some-4"};
                       return done(some->on.store.connections.add(std::move(about), some->their_rooms()));
                     }});

  out.push_back(tokens(on, "connect", 500, 8));
  out.push_back(asserted(on, 10, 50));
  out.push_back(asserted(on, 100, 10));

  out.push_back(disconnect(on, "no room", 0, 100));
  out.push_back(disconnect(on, "10 rooms, all confirmed", 10, 50));
  out.push_back(disconnect(on, "100 rooms, all confirmed", 100, 10));
  out.push_back(disconnect(on, "10 rooms, 20 unconfirmed messages", 10, 20, 2));
  out.push_back(disconnect(on, "10 rooms, 200 unconfirmed messages", 10, 10, 20));
  out.push_back(tokens(on, "disconnect", 500, 8));
  auto const dead = std::make_shared<crowd>(crowd{on, "dead", 20, 10});
  out.push_back({.script = "disconnect",
                 .what = "10 rooms, 20 messages since the instance died",
                 .calls = dead->users,
                 .plant = [dead] { dead->plant(), dead->look(); },
                 .prepare = [dead] { dead->connect(), dead->forget_mail(), dead->speak(2); },
                 .call = [dead](int i) { return dead->on.disconnect(dead->one(i), {.since_ms = 0}); }});
  auto const claimed = std::make_shared<crowd>(crowd{on, "claimed", 50, 1});
  out.push_back({.script = "disconnect",
                 .what = "1 room, 20 claimed messages go back",
                 .calls = claimed->users,
                 .plant = [claimed] { claimed->plant(), claimed->look(); },
                 .prepare =
                     [claimed] {
                       claimed->connect(), claimed->forget_mail();
                       redis::request ask;
                       for (int i = 0; i < claimed->users; ++i) {
                         auto const who = claimed->one(i);
                         for (int n = 0; n < 20; ++n)
                           ask.add("LPUSH", state::keys::offline_inflight(who, stage::connection(who)), short_content);
                       }
                       claimed->on.command(std::move(ask));
                     },
                 .call = [claimed](int i) { return claimed->on.disconnect(claimed->one(i), claimed->heard()); }});
  auto const stays = std::make_shared<crowd>(crowd{on, "stays", 50, 10});
  out.push_back({.script = "disconnect",
                 .what = "10 rooms, another connection stays",
                 .calls = stays->users,
                 .plant = [stays] { stays->plant(), stays->look(); },
                 .prepare = [stays] { stays->connect(2), stays->forget_mail(); },
                 .call = [stays](int i) { return stays->on.disconnect(stays->one(i), stays->heard(), 2); }});

  out.push_back({.script = "compare", .what = "100 connections with 10 rooms each", .calls = 10, .call = [&on](int) {
                   std::vector<std::pair<user_id, connection_id>> which;
                   for (int i = 0; i < busy_people; ++i) which.emplace_back(busy(i), stage::connection(busy(i)));
                   return done(on.store.connections.compare(std::move(which)));
                 }});
  out.push_back(
      {.script = "kick",
       .what = "2 connections",
       .plant =
           [&on] {
             on.all(100, [&on](int i) { return on.connect(user("kicked", i)); });
             on.all(100, [&on](int i) { return on.connect(user("kicked", i), {}, 2); });
           },
       .call = [&on](int i) { return done(on.store.connections.kick(user("kicked", i), std::chrono::seconds{0})); }});
  constexpr std::string_view note = R"({"type":"notification","notification":{"title":"the kettle is on"}})";
  out.push_back({.script = "notify", .what = "1 user", .calls = 200, .call = [&on, note](int i) {
                   return done(
                       on.store.connections.notify({person(i)}, state::bus_letter::application, std::string{note}));
                 }});
  out.push_back({.script = "notify", .what = "1 user, with a new key", .calls = 200, .call = [&on, note](int i) {
                   static int next = 0;
                   return done(on.store.connections.notify(
                       {person(i)}, state::bus_letter::application, std::string{note},
                       state::once{"api", fmt::format("key-{}", ++next), "00ff00ff00ff00ff", 60}));
                 }});
  out.push_back(
      {.script = "notify", .what = "100 users", .calls = 10, .call = [&on, note](int) {
         std::vector<user_id> users;
         for (int i = 0; i < 100; ++i) users.push_back(person(i));
         return done(on.store.connections.notify(std::move(users), state::bus_letter::application, std::string{note}));
       }});
  out.push_back({.script = "seen", .what = "100 users", .calls = 10, .call = [&on](int) {
                   std::vector<user_id> users;
                   for (int i = 0; i < 100; ++i) users.push_back(person(i));
                   return done(on.store.presence.seen(std::move(users), "2026-01-31T12:34:56.789Z"));
                 }});
  out.push_back({.script = "user_places", .what = "10 rooms", .call = [&on](int i) {
                   return done(on.store.members.places(busy(i)));
                 }});
  return out;
}

}  // namespace hiky::script_bench
