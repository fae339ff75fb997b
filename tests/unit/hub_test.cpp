// SPDX-License-Identifier: Apache-2.0
// The hub alone: first by example, then against a model that is too simple to be wrong.
#include "chat/hub.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace hiky::chat {

// Writes a part of a session in the place of the subsystem that keeps it.
struct session_setup {
  template <class Owner, class State>
  static State& of(session_part<Owner, State>& part) {
    return part.mine();
  }
};

}  // namespace hiky::chat

using namespace hiky;
using namespace hiky::chat;

namespace {

struct fake_session final : session {
  explicit fake_session(std::string connection, std::string who) {
    id = connection_id{std::move(connection)};
    user = user_id{std::move(who)};
    intrusive_ptr_add_ref(static_cast<session*>(this));  // lives on the stack: nobody else is to end it
  }
  bool send(frame_ptr frame, traffic kind) override {
    heard.emplace_back(frame->payload());
    kinds.push_back(kind);
    return true;
  }
  bool admits(traffic) override { return true; }
  void close(std::uint16_t, std::string_view) override {}
  void after_pong(std::function<void(bool)> done) override { done(true); }
  void after_flush(std::function<void(bool)> done) override { done(true); }
  void ask_receipt() override { ledger.asked(++pings); }
  void read_more(bool) override {}
  void identified() override {}
  std::string remote_address() const override { return {}; }
  std::string_view user_agent() const override { return {}; }

  std::vector<std::string> take() { return std::exchange(heard, {}); }
  std::vector<std::string> heard;
  std::vector<traffic> kinds;
  std::uint32_t pings = 0;
};

using strings = std::vector<std::string>;

class hub_of_friends : public testing::Test {
 protected:
  hub_of_friends() {
    here.on_empty([this](room_id const& r) { emptied.push_back(r.str()); });
    for (auto* s : all()) here.attach(*s);
  }
  ~hub_of_friends() override {
    for (auto* s : all()) here.detach(*s);
  }
  std::vector<fake_session*> all() { return {&alice, &phone, &bob, &carol}; }

  // Returns how many it was handed to.
  std::size_t tell(std::string_view room, std::string_view payload) {
    auto m = parse_bus_message(room, payload);
    if (!m) throw std::invalid_argument{std::string{payload}};
    return here.apply(*m, [this](session& s, bus_message const& about) {
      if (auto const* left = std::get_if<notice::left>(&about)) here.leave(s, room_id{left->room});
      else if (auto const* entry = std::get_if<notice::entry>(&about))
        entered.push_back(s.id.str() + ' ' + entry->room);
    });
  }
  // Who heard something since the last time, by connection.
  std::set<std::string> who_heard() {
    std::set<std::string> out;
    for (auto* s : all()) {
      if (!s->take().empty()) out.insert(s->id.str());
    }
    return out;
  }

  fake_session alice{"c1", "alice"}, phone{"c2", "alice"}, bob{"c3", "bob"}, carol{"c4", "carol"};
  hub here;
  room_id const tea{"tea"}, chess{"chess"};
  strings emptied, entered;
};

using set = std::set<std::string>;

}  // namespace

TEST_F(hub_of_friends, messages_go_to_the_room_but_not_to_the_connection_that_sent_them) {
  for (auto* s : {&alice, &phone, &bob}) here.enter(*s, tea, false);
  here.enter(carol, chess, true);
  EXPECT_EQ(tell("tea", "m c1 e:1\n{}"), 2u);
  EXPECT_EQ(who_heard(), (set{"c2", "c3"}));
  EXPECT_EQ(bob.kinds, std::vector{traffic::chat});
  EXPECT_EQ(tell("tea", "m elsewhere e:2\n{}"), 3u);
  EXPECT_EQ(who_heard(), (set{"c1", "c2", "c3"}));
  EXPECT_EQ(tell("nowhere", "m c1 e:3\n{}"), 0u);
  EXPECT_EQ(who_heard(), set{});
}

TEST_F(hub_of_friends, typing_and_absence_go_to_the_others_in_the_room) {
  for (auto* s : {&alice, &phone, &bob}) here.enter(*s, tea, false);
  tell("tea", "t alice\n{}");
  EXPECT_EQ(who_heard(), set{"c3"});
  tell("tea", "o bob\n{}");
  EXPECT_EQ(who_heard(), (set{"c1", "c2"}));
  EXPECT_EQ(bob.kinds, std::vector{traffic::typing});
  EXPECT_EQ(alice.kinds, std::vector{traffic::presence});
}

TEST_F(hub_of_friends, joins_are_told_to_those_who_joined_and_asked_for_it) {
  here.enter(alice, tea, true);
  here.enter(phone, tea, false);
  here.enter(bob, tea, true);
  here.enter(carol, tea, true);
  alice.extended = phone.extended = carol.extended = true;
  tell("tea", "j carol\n{}");
  EXPECT_EQ(who_heard(), set{"c1"});
  tell("tea", "j dora\n{}");
  EXPECT_EQ(who_heard(), (set{"c1", "c4"}));
}

TEST_F(hub_of_friends, returns_are_told_to_all_the_others_in_the_room_who_asked_for_it) {
  for (auto* s : {&alice, &phone, &bob}) here.enter(*s, tea, false);
  here.enter(carol, chess, true);
  alice.extended = bob.extended = carol.extended = true;
  EXPECT_EQ(tell("tea", "b alice\x1f\x62ob\n"), 2u);
  EXPECT_EQ(alice.take(), strings{R"({"type":"userOnline","userId":"bob","roomId":"tea"})"});
  EXPECT_EQ(bob.take(), strings{R"({"type":"userOnline","userId":"alice","roomId":"tea"})"});
  EXPECT_EQ(alice.kinds, std::vector{traffic::presence});
  EXPECT_EQ(who_heard(), set{});
}

TEST_F(hub_of_friends, who_leaves_hears_the_room_no_more_on_any_connection) {
  for (auto* s : {&alice, &phone, &bob}) here.enter(*s, tea, true);
  bob.extended = true;
  tell("tea", "l 1 alice\n{}");
  EXPECT_EQ(who_heard(), set{"c3"});
  EXPECT_FALSE(here.in(alice, tea));
  EXPECT_FALSE(here.in(phone, tea));
  tell("tea", "m x e:1\n{}");
  EXPECT_EQ(who_heard(), set{"c3"});
  EXPECT_EQ(emptied, strings{});
  tell("tea", "l 1 bob\n{}");
  EXPECT_EQ(emptied, strings{"tea"});
}

TEST_F(hub_of_friends, frames_for_a_user_go_to_all_connections_of_that_user) {
  tell("", "u alice\n{}");
  EXPECT_EQ(who_heard(), (set{"c1", "c2"}));
  phone.extended = true;
  tell("", "U alice\n{}");
  EXPECT_EQ(who_heard(), set{"c2"});
  tell("", "u nobody\n{}");
  EXPECT_EQ(who_heard(), set{});
}

TEST_F(hub_of_friends, announcements_are_named_to_those_who_watch_whatever_they_hear_of_them) {
  std::vector<std::string> named;
  auto const tell_watchers = [&](std::string_view payload) {
    here.apply(*parse_bus_message("", payload), [&](session& s, bus_message const& about) {
      named.push_back(s.id.str() + (std::get<notice::friend_change>(about).online ? " on" : " off"));
    });
  };
  session_setup::of(phone.watch) = new presence_watch{{user_id{"bob"}}, {}, {}};
  tell_watchers("u alice\n{}");
  EXPECT_EQ(named, strings{"c2 on"});
  EXPECT_EQ(who_heard(), (set{"c1", "c2"}));
  tell_watchers("U alice\n{}");
  EXPECT_EQ(named, (strings{"c2 on", "c2 off"}));
  EXPECT_EQ(who_heard(), set{}) << "nobody asked for friendOffline";
  tell_watchers("f alice\n{}");
  tell_watchers("u bob\n{}");
  EXPECT_EQ(named.size(), 2u);
}

TEST_F(hub_of_friends, who_was_let_in_is_named_connection_by_connection) {
  tell("", "a alice\n1 e 0 tea");
  EXPECT_EQ(entered, (strings{"c1 tea", "c2 tea"}));
  tell("", "a nobody\n1 e 0 tea");
  EXPECT_EQ(entered.size(), 2u);
  EXPECT_EQ(who_heard(), set{});
}

TEST_F(hub_of_friends, whoever_is_told_to_enter_may_end_sessions) {
  auto const m = parse_bus_message("", "a alice\n1 e 0 tea");
  here.apply(*m, [this](session&, bus_message const&) {
    here.detach(alice);
    here.detach(phone);
  });
  EXPECT_EQ(here.sessions_of("alice"), nullptr);
}

TEST_F(hub_of_friends, frames_wait_while_a_register_is_under_way) {
  here.enter(alice, tea, false);
  alice.ledger.hold();
  tell("tea", "m x e:1\n{\"n\":1}");
  tell("tea", "t bob\n{\"n\":2}");
  tell("tea", "m x e:2\n{\"n\":3}");
  EXPECT_EQ(alice.take(), strings{});
  alice.ledger.brought({"e", 1, 1, false});
  here.release(alice);
  EXPECT_EQ(alice.take(), (strings{"{\"n\":2}", "{\"n\":3}"})) << "the first came by mail";
  EXPECT_EQ(alice.kinds, (std::vector{traffic::typing, traffic::chat}));
}

TEST_F(hub_of_friends, the_first_message_after_a_while_asks_for_a_receipt_and_the_next_ones_wait_for_their_turn) {
  here.enter(bob, tea, false);
  here.ask_receipts(100'000);
  tell("tea", "m x e:1\n{}");
  EXPECT_EQ(bob.pings, 1u);
  tell("tea", "m x e:2\n{}");
  bob.ledger.answered(1);
  tell("tea", "m x e:3\n{}");
  here.ask_receipts(100'250);
  EXPECT_EQ(bob.pings, 1u) << "too soon";
  tell("tea", "m x e:4\n{}");
  here.ask_receipts(100'500);
  EXPECT_EQ(bob.pings, 1u) << "the room is not quiet";
  here.ask_receipts(100'750);
  EXPECT_EQ(bob.pings, 1u) << "a pause is not a quiet room";
  here.ask_receipts(101'000);
  EXPECT_EQ(bob.pings, 2u) << "now it is";
  bob.ledger.answered(2);
  here.ask_receipts(110'000);
  EXPECT_EQ(bob.pings, 2u) << "all is confirmed";
  for (int seq = 5; seq < 5 + 2 * 128; ++seq) {
    tell("tea", "m x e:" + std::to_string(seq) + "\n{}");
    bob.ledger.answered(bob.pings);
  }
  EXPECT_EQ(bob.pings, 4u) << "and then with each 128";
}

TEST_F(hub_of_friends, sessions_are_asked_for_receipts_in_portions) {
  here.enter(alice, tea, false);
  here.enter(bob, tea, false);
  here.ask_receipts(100'000);
  tell("tea", "m x e:1\n{}");
  auto const pings = [&] { return alice.pings + bob.pings; };
  EXPECT_EQ(pings(), 2u);
  alice.ledger.answered(1);
  bob.ledger.answered(1);
  tell("tea", "m x e:2\n{}");
  for (auto const now : {100'100, 100'200, 100'300, 100'400, 100'500}) here.ask_receipts(now, 2);
  EXPECT_EQ(pings(), 3u) << "the first of two was looked at three times, and nothing had come in between";
  here.ask_receipts(100'600, 2);
  EXPECT_EQ(pings(), 4u);
  for (auto* each : {&alice, &bob}) each->ledger.answered(each->pings);
  for (auto const now : {100'700, 100'800}) here.ask_receipts(now, 2);
  EXPECT_EQ(pings(), 4u);
  EXPECT_FALSE(here.awaits_receipts());
}

TEST_F(hub_of_friends, own_messages_need_no_receipt) {
  here.enter(bob, tea, false);
  here.ask_receipts(100'000);
  tell("tea", "m c3 e:1\n{}");
  EXPECT_EQ(bob.pings, 0u);
  EXPECT_FALSE(bob.ledger.unconfirmed());
}

TEST_F(hub_of_friends, entering_twice_is_being_in_once_and_joined_stays) {
  here.enter(bob, tea, false);
  here.enter(bob, tea, true);
  here.enter(bob, tea, false);
  EXPECT_EQ(bob.ledger.rooms().size(), 1u);
  EXPECT_TRUE(bob.ledger.rooms()[0].open);
  tell("tea", "m x e:1\n{}");
  EXPECT_EQ(bob.take().size(), 1u);
  here.leave(bob, tea);
  here.leave(bob, tea);
  EXPECT_EQ(emptied, strings{"tea"});
  EXPECT_EQ(here.rooms(), 0u);
}

TEST_F(hub_of_friends, a_room_is_subscribed_only_until_it_is_empty) {
  EXPECT_FALSE(here.subscribed(tea));
  here.set_subscribed(tea);
  EXPECT_FALSE(here.subscribed(tea));
  here.enter(bob, tea, false);
  EXPECT_FALSE(here.subscribed(tea));
  here.set_subscribed(tea);
  EXPECT_TRUE(here.subscribed(tea));
  here.leave(bob, tea);
  here.enter(bob, tea, false);
  EXPECT_FALSE(here.subscribed(tea));
}

TEST_F(hub_of_friends, who_is_taken_out_is_out_of_everything) {
  here.enter(alice, tea, true);
  here.enter(alice, chess, true);
  here.enter(bob, chess, true);
  here.detach(alice);
  here.detach(alice);
  EXPECT_TRUE(alice.ledger.rooms().empty());
  EXPECT_EQ(emptied, strings{"tea"});
  ASSERT_NE(here.sessions_of("alice"), nullptr);
  EXPECT_EQ(*here.sessions_of("alice"), std::vector<session*>{&phone});
  EXPECT_EQ(here.users(), 3u);
}

TEST(hub, agrees_with_a_model_through_ten_thousand_steps) {
  std::vector<std::unique_ptr<fake_session>> sessions;
  hub here;
  std::multiset<std::string> emptied;
  here.on_empty([&](room_id const& r) { emptied.insert(r.str()); });
  for (int i = 0; i < 12; ++i)
    sessions.push_back(std::make_unique<fake_session>("c" + std::to_string(i), "u" + std::to_string(i % 5)));

  std::set<std::size_t> attached;
  std::map<std::string, std::map<std::size_t, bool>> rooms;  // room → session → joined
  std::mt19937 random{42};
  auto const pick = [&](std::size_t n) { return random() % n; };
  auto const drop = [&](std::string const& room, std::size_t s, std::multiset<std::string>& gone) {
    auto const found = rooms.find(room);
    if (found == rooms.end() || found->second.erase(s) == 0 || !found->second.empty()) return;
    gone.insert(room);
    rooms.erase(found);
  };

  for (int step = 0; step < 10'000; ++step) {
    auto const s = pick(sessions.size());
    auto const name = "r" + std::to_string(pick(6));
    std::multiset<std::string> gone;
    switch (pick(6)) {
      case 0:
        if (attached.insert(s).second) here.attach(*sessions[s]);
        break;
      case 1:
        if (pick(3) != 0) break;
        here.detach(*sessions[s]);
        attached.erase(s);
        for (int r = 0; r < 6; ++r) drop("r" + std::to_string(r), s, gone);
        break;
      case 2: {
        if (!attached.contains(s)) break;
        bool const joined = pick(2) == 0;
        here.enter(*sessions[s], room_id{name}, joined);
        rooms[name][s] |= joined;
        break;
      }
      case 3:
        here.leave(*sessions[s], room_id{name});
        drop(name, s, gone);
        break;
      case 4: {
        auto const m = parse_bus_message(name, "l 1 u" + std::to_string(s % 5) + "\n{}");
        here.apply(*m, [&](session& one, bus_message const&) { here.leave(one, room_id{name}); });
        for (auto const other : attached) {
          if (other % 5 == s % 5) drop(name, other, gone);
        }
        break;
      }
      default: {
        for (auto& each : sessions) each->take();
        auto const m = parse_bus_message(name, "m c" + std::to_string(s) + " e:" + std::to_string(step + 1) + "\n{}");
        here.apply(*m, [](session&, bus_message const&) {});
        for (std::size_t i = 0; i < sessions.size(); ++i) {
          auto const in = rooms.contains(name) && rooms[name].contains(i);
          ASSERT_EQ(sessions[i]->take().size(), in && i != s ? 1u : 0u) << step;
        }
      }
    }
    ASSERT_EQ(emptied, gone) << step;
    emptied.clear();
    ASSERT_EQ(here.rooms(), rooms.size()) << step;
    for (auto const& [room, members] : rooms) {
      for (std::size_t i = 0; i < sessions.size(); ++i)
        ASSERT_EQ(here.in(*sessions[i], room_id{room}), members.contains(i)) << step;
    }
    for (auto const& each : sessions) {
      auto const number = static_cast<std::size_t>(std::stoi(each->id.str().substr(1)));
      for (auto const& e : each->ledger.rooms()) {
        ASSERT_EQ(static_cast<room*>(e.room)->sessions[e.seat].who, each.get()) << step;
        ASSERT_EQ(e.open == 1, rooms[*e.room->name][number]) << step;
      }
    }
  }
}

// There are many idle sessions: a part that is rarely used is made when it is needed.
TEST(session, costs_an_idle_connection_no_more_than_264_bytes) { EXPECT_LE(sizeof(session), 264U); }
