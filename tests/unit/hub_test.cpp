// SPDX-License-Identifier: Apache-2.0
// The hub by example.
#include "hub_stage.hpp"

#include <set>

namespace unit {
namespace {

using set = std::set<std::string>;

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

}  // namespace
}  // namespace unit
