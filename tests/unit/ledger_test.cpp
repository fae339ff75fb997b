// SPDX-License-Identifier: Apache-2.0
// The ledger alone, by example: which messages go to the client, and which it has. What it owes: ledger_debts_test.cpp.
// Random histories: ledger_history_test.cpp.
#include "ledger_stage.hpp"

using namespace unit;

TEST_F(one_room, nothing_comes_live_of_before_the_user_takes_part_however_far_the_bus_is_behind) {
  has.enter(room, true, 0);
  has.begins({"e", 5});
  EXPECT_FALSE(comes(4));
  EXPECT_FALSE(has.will_come(tea, {"e", 5}));
  EXPECT_TRUE(has.will_come(tea, {"e", 6}));
  EXPECT_FALSE(comes(5));
  EXPECT_FALSE(has.has({"e", 5})) << "it may be mail";
  EXPECT_EQ(has.live_from(tea, "e"), 0u);
  EXPECT_TRUE(comes(6));
  EXPECT_EQ(has.live_from(tea, "e"), 6u);
  EXPECT_EQ(confirmed(), 5u);
}

// The storm's seed 653: a room begins a new epoch while a session enters it late.
TEST_F(one_room, what_waits_of_before_the_user_takes_part_is_not_handed_out) {
  has.enter(room, true, 0);
  has.hold();
  comes(1);
  comes(2);
  has.begins({"e", 2});
  EXPECT_EQ(has.live_from(tea, "e"), 0u);
  has.sent_aside(tea, {"e", 3, 6});
  EXPECT_TRUE(has.release().empty());
  EXPECT_FALSE(comes(3));
  EXPECT_TRUE(comes(7));
}

TEST_F(one_room, nothing_is_heard_of_a_room_that_the_user_turns_out_not_to_belong_to) {
  stream other{&chess, {"f", 9}};
  has.enter(room, false, 0);
  has.enter(other, false, 0);
  has.hold();
  comes(1);
  other.last = {"f", 10};
  ASSERT_TRUE(has.takes(has.at(1), false));
  has.wait({some_frame, traffic::chat, other.last});
  has.retract(0);
  has.leave(0);
  EXPECT_EQ(has.waiting_bytes(), some_frame->bytes().size());
  auto const heard = has.release();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].place, (message_place{"f", 10}));
  EXPECT_FALSE(has.has({"e", 1})) << "mail may bring it, should the user enter the room again";
}

TEST_F(one_room, what_mail_or_replay_brought_does_not_come_live) {
  has.enter(room, false, 0);
  has.hold();
  comes(4);
  comes(5);
  has.brought({"e", 2, 4, false});
  auto const waited = has.release();
  ASSERT_EQ(waited.size(), 1u);
  EXPECT_EQ(waited[0].place.seq, 5u);
  has.brought({"e", 6, 7});
  EXPECT_FALSE(comes(6));
  EXPECT_FALSE(comes(7));
  EXPECT_TRUE(comes(8));
  for (std::uint64_t seq = 2; seq <= 8; ++seq) EXPECT_TRUE(has.has({"e", seq})) << seq;
  EXPECT_FALSE(has.has({"e", 1}));
  EXPECT_FALSE(has.has({"e", 9}));
  EXPECT_FALSE(has.has({"f", 5}));
}

TEST_F(one_room, a_room_that_was_left_and_entered_again_is_remembered) {
  has.enter(room, false, 0);
  comes(3);
  comes(4);
  has.leave(0);
  room.last.seq = 6;
  EXPECT_TRUE(has.has({"e", 4}));
  EXPECT_FALSE(has.has({"e", 5}));
  has.enter(room, false, 0);
  EXPECT_TRUE(comes(7));
  EXPECT_TRUE(has.has({"e", 3}));
  EXPECT_FALSE(has.has({"e", 6}));
}

TEST_F(one_room, a_place_that_is_resumed_from_says_nothing_of_the_messages_before) {
  has.enter(room, false, 0);
  has.claims({"e", 6}, false);
  EXPECT_TRUE(has.has({"e", 6}));
  EXPECT_FALSE(has.has({"e", 5}));
  has.was_given({"e", 4, 9});
  EXPECT_FALSE(has.has({"e", 5})) << "it did not say on which connection";
}

TEST_F(one_room, nothing_before_the_place_that_is_resumed_from_comes_live) {
  has.enter(room, false, 0);
  has.hold();
  comes(3);  // the bus is far behind
  has.claims({"e", 6}, false);
  comes(4);
  EXPECT_TRUE(has.release().empty());
  EXPECT_FALSE(comes(5));
  EXPECT_FALSE(comes(6));
  for (std::uint64_t seq = 3; seq <= 5; ++seq) EXPECT_FALSE(has.has({"e", seq})) << "it may come as mail";
  EXPECT_TRUE(comes(7));
  EXPECT_EQ(confirmed(), 6u);
}

// The bus is behind a failover, and Redis is asked already.
TEST_F(one_room, nothing_of_an_epoch_that_is_lost_comes_behind_what_the_new_one_has_said) {
  has.enter(room, false, 0);
  has.hold();
  comes(53);
  comes(54);
  has.claims({"e", 50}, false);
  has.brought({"new", 1, 1});
  has.lost("e");
  EXPECT_FALSE(comes(55)) << "it is of no use any more";
  EXPECT_FALSE(has.has({"e", 54}));
  comes(1, false, "new");
  comes(2, false, "new");
  auto const heard = has.release();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].place, (message_place{"new", 2}));
  EXPECT_TRUE(comes(3, false, "new"));
  has.asked(1);
  has.answered(1);
  EXPECT_EQ(confirmed(), 3u);
}

TEST_F(one_room, an_epoch_that_was_lost_and_is_over_is_forgotten_with_the_release) {
  has.enter(room, false, 0);
  has.hold();
  comes(7, false, "new");
  has.lost("e");
  has.lost("what another client says");
  EXPECT_EQ(has.release().size(), 1u);
  EXPECT_TRUE(comes(8, false, "new"));
}

TEST_F(one_room, what_came_live_before_the_client_named_a_place_is_had) {
  has.enter(room, false, 0);
  comes(3);
  comes(4);
  has.claims({"e", 3}, false);
  EXPECT_TRUE(has.has({"e", 3}));
  EXPECT_TRUE(has.has({"e", 4}));
  EXPECT_TRUE(comes(5));
  EXPECT_EQ(confirmed(), 2u);
}

TEST_F(one_room, the_earlier_connection_of_the_client_says_what_it_has_before_its_place) {
  has.enter(room, false, 0);
  has.claims({"e", 6}, true);
  has.brought({"e", 7, 8});
  has.was_given({"e", 4, 9});
  EXPECT_FALSE(has.has({"e", 3}));
  for (std::uint64_t seq = 4; seq <= 8; ++seq) EXPECT_TRUE(has.has({"e", seq})) << seq;
  EXPECT_FALSE(has.has({"e", 9})) << "given to it, but behind what the client says it has";
}

TEST_F(one_room, what_was_given_goes_on_from_connection_to_connection) {
  has.enter(room, false, 0);
  has.claims({"e", 6}, true);
  has.was_given({"e", 4, 6});
  has.brought({"e", 7, 8});
  comes(9);
  auto const given = has.given();
  ASSERT_EQ(given.size(), 1u);
  EXPECT_EQ(given[0].first, 4u);
  EXPECT_EQ(given[0].last, 9u);
}

TEST(ledger, does_not_look_for_what_has_become_part_of_another_room) {
  stream first{&tea, {}}, second{&chess, {}};
  ledger has;
  has.enter(first, false, 0);
  has.enter(second, false, 0);
  has.brought({"e", 1, 2});  // of whichever room that is
  first.last = {"e", 3};
  EXPECT_TRUE(has.takes(has.at(0), false));
  EXPECT_TRUE(has.has({"e", 1}));
  second.last = {"f", 1};
  EXPECT_TRUE(has.takes(has.at(1), false));
}

TEST(ledger, is_no_larger_than_what_it_replaced) {
  EXPECT_LE(sizeof(ledger::entry), 32u);
  EXPECT_LE(sizeof(ledger), 48u);
}
