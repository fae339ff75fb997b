// SPDX-License-Identifier: Apache-2.0
// The hub alone: first by example, then against a model that is too simple to be wrong.
#include "chat/hub.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

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
  void close(std::uint16_t, std::string_view) override {}
  void after_pong(std::function<void(bool)> done) override { done(true); }
  void after_flush(std::function<void(bool)> done) override { done(true); }
  void ask_receipt() override { session::asked(++pings); }
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
    auto const m = parse_bus_message(room, payload);
    if (!m) throw std::invalid_argument{std::string{payload}};
    return here.apply(*m, [this](session& s, bus_message const& about) {
      if (about.kind == 'l') here.leave(s, room_id{about.room});
      else entered.push_back(s.id.str() + ' ' + about.room);
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

  hub here;
  fake_session alice{"c1", "alice"}, phone{"c2", "alice"}, bob{"c3", "bob"}, carol{"c4", "carol"};
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
  tell("tea", "l alice\n{}");
  EXPECT_EQ(who_heard(), set{"c3"});
  EXPECT_FALSE(here.in(alice, tea));
  EXPECT_FALSE(here.in(phone, tea));
  tell("tea", "m x e:1\n{}");
  EXPECT_EQ(who_heard(), set{"c3"});
  EXPECT_EQ(emptied, strings{});
  tell("tea", "l bob\n{}");
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
    here.apply(*parse_bus_message("", payload), [&](session& s, bus_message const& about) { named.push_back(s.id.str() + ' ' + about.kind); });
  };
  phone.watch = new presence_watch{{user_id{"bob"}}, {}, {}};
  tell_watchers("u alice\n{}");
  EXPECT_EQ(named, strings{"c2 u"});
  EXPECT_EQ(who_heard(), (set{"c1", "c2"}));
  tell_watchers("U alice\n{}");
  EXPECT_EQ(named, (strings{"c2 u", "c2 U"}));
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
  alice.held = std::make_unique<std::vector<held_frame>>();
  tell("tea", "m x e:1\n{\"n\":1}");
  tell("tea", "t bob\n{\"n\":2}");
  EXPECT_EQ(alice.take(), strings{});
  ASSERT_EQ(alice.held->size(), 2u);
  EXPECT_EQ(alice.held->at(0).message_id, "e:1");
  EXPECT_EQ(alice.held->at(0).kind, traffic::chat);
  EXPECT_EQ(alice.held->at(1).frame->payload(), "{\"n\":2}");
  EXPECT_TRUE(alice.held->at(1).message_id.empty());
}

TEST_F(hub_of_friends, entering_twice_is_being_in_once_and_joined_stays) {
  here.enter(bob, tea, false);
  here.enter(bob, tea, true);
  here.enter(bob, tea, false);
  EXPECT_EQ(bob.rooms.size(), 1u);
  EXPECT_TRUE(bob.rooms[0].joined);
  tell("tea", "m x e:1\n{}");
  EXPECT_EQ(bob.take().size(), 1u);
  here.leave(bob, tea);
  here.leave(bob, tea);
  EXPECT_EQ(emptied, strings{"tea"});
  EXPECT_EQ(here.rooms(), 0u);
}

TEST_F(hub_of_friends, a_room_is_heard_only_until_it_is_empty) {
  EXPECT_FALSE(here.heard(tea));
  here.set_heard(tea);
  EXPECT_FALSE(here.heard(tea));
  here.enter(bob, tea, false);
  EXPECT_FALSE(here.heard(tea));
  here.set_heard(tea);
  EXPECT_TRUE(here.heard(tea));
  here.leave(bob, tea);
  here.enter(bob, tea, false);
  EXPECT_FALSE(here.heard(tea));
}

TEST_F(hub_of_friends, what_a_session_had_of_a_room_is_known_after_it_has_left) {
  here.enter(bob, tea, false);
  here.enter(carol, tea, false);
  auto const say = [&](std::uint64_t seq) {
    auto m = parse_bus_message("tea", "m c1 e:" + std::to_string(seq) + "\n{}");
    ASSERT_TRUE(m);
    m->seq = seq;
    here.apply(*m, [](session&, bus_message const&) {});
  };
  say(3);
  say(4);
  here.leave(bob, tea);
  say(5);
  EXPECT_EQ(hub::share_of(bob, "tea", {"e", 2}), hub::share::none);
  EXPECT_EQ(hub::share_of(bob, "tea", {"e", 3}), hub::share::arrived);
  EXPECT_EQ(hub::share_of(bob, "tea", {"e", 4}), hub::share::arrived);
  EXPECT_EQ(hub::share_of(bob, "tea", {"e", 5}), hub::share::none);
  EXPECT_EQ(hub::share_of(bob, "chess", {"e", 4}), hub::share::none);
  EXPECT_EQ(hub::share_of(carol, "tea", {"e", 5}), hub::share::arrived);
}

TEST_F(hub_of_friends, who_is_taken_out_is_out_of_everything) {
  here.enter(alice, tea, true);
  here.enter(alice, chess, true);
  here.enter(bob, chess, true);
  here.detach(alice);
  here.detach(alice);
  EXPECT_TRUE(alice.rooms.empty());
  EXPECT_EQ(emptied, strings{"tea"});
  ASSERT_NE(here.sessions_of("alice"), nullptr);
  EXPECT_EQ(*here.sessions_of("alice"), std::vector<session*>{&phone});
  EXPECT_EQ(here.users(), 3u);
}

TEST(hub, agrees_with_a_model_through_ten_thousand_steps) {
  hub here;
  std::multiset<std::string> emptied;
  here.on_empty([&](room_id const& r) { emptied.insert(r.str()); });
  std::vector<std::unique_ptr<fake_session>> sessions;
  for (int i = 0; i < 12; ++i) sessions.push_back(std::make_unique<fake_session>("c" + std::to_string(i), "u" + std::to_string(i % 5)));

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
        auto const m = parse_bus_message(name, "l u" + std::to_string(s % 5) + "\n{}");
        here.apply(*m, [&](session& one, bus_message const& about) { here.leave(one, room_id{about.room}); });
        for (auto const other : attached) {
          if (other % 5 == s % 5) drop(name, other, gone);
        }
        break;
      }
      default: {
        for (auto& each : sessions) each->take();
        auto const m = parse_bus_message(name, "m c" + std::to_string(s) + " e:1\n{}");
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
      for (std::size_t i = 0; i < sessions.size(); ++i) ASSERT_EQ(here.in(*sessions[i], room_id{room}), members.contains(i)) << step;
    }
    for (auto const& each : sessions) {
      for (auto const& p : each->rooms) ASSERT_EQ(p.room->sessions[p.index].who, each.get()) << step;
      for (auto const& p : each->rooms)
        ASSERT_EQ(p.joined, rooms[*p.room->name][static_cast<std::size_t>(std::stoi(each->id.str().substr(1)))]) << step;
    }
  }
}

TEST(a_receipt, is_the_pong_of_a_ping_that_was_sent_behind_the_messages) {
  fake_session s{"c1", "alice"};
  s.tail = {{nullptr, 1}, {nullptr, 2}};
  s.asked(7);
  s.tail.push_back({nullptr, 3});
  s.asked(8);  // while one is under way, nothing more is asked for
  s.answered(6);
  EXPECT_EQ(s.tail.size(), 3u) << "by the pong of an earlier ping";
  s.answered(7);
  ASSERT_EQ(s.tail.size(), 1u);
  s.tail.push_back({nullptr, 4});
  s.asked(9);
  s.answered(8);
  EXPECT_EQ(s.tail.size(), 2u) << "4 was said behind ping 8";
  s.answered(10);
  EXPECT_TRUE(s.tail.empty()) << "a pong answers all earlier pings too";
}

TEST(a_receipt, confirms_nothing_that_is_held_back) {
  fake_session s{"c1", "alice"};
  s.held = std::make_unique<std::vector<held_frame>>();
  s.tail = {{nullptr, 1}};
  s.asked(1);
  s.answered(1);
  EXPECT_EQ(s.tail.size(), 1u);
  s.held.reset();
  s.asked(2);
  s.answered(2);
  EXPECT_TRUE(s.tail.empty());
}
