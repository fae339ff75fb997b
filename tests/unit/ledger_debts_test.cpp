// SPDX-License-Identifier: Apache-2.0
// The debts of a connection to its client's mailbox: all that no pong has confirmed, and nothing else.
#include "ledger_stage.hpp"

using namespace unit;

TEST_F(one_room, a_message_is_confirmed_by_the_pong_of_a_ping_that_was_sent_behind_it) {
  has.enter(room, true, 0);
  comes(4);
  comes(5);
  EXPECT_EQ(confirmed(), 3u);
  has.asked(7);
  comes(6);
  has.asked(8);  // while one is under way, nothing more is asked for
  has.answered(6);
  EXPECT_EQ(confirmed(), 3u) << "the pong of an earlier ping";
  has.answered(7);
  EXPECT_EQ(confirmed(), 5u);
  EXPECT_TRUE(has.unconfirmed());
  has.asked(9);
  has.answered(12);
  EXPECT_EQ(confirmed(), 6u) << "a pong answers all earlier pings too";
  EXPECT_FALSE(has.unconfirmed());
}

TEST_F(one_room, nothing_that_waits_is_confirmed) {
  has.enter(room, false, 0);
  has.hold();
  comes(1);
  EXPECT_FALSE(has.has({"e", 1}));
  has.asked(1);
  has.answered(1);
  EXPECT_EQ(confirmed(), 0u);
  EXPECT_EQ(has.waiting_bytes(), some_frame->bytes().size());
  EXPECT_EQ(has.release().size(), 1u);
  EXPECT_EQ(has.waiting_bytes(), 0u);
  EXPECT_TRUE(has.has({"e", 1}));
}

TEST_F(one_room, of_a_room_that_it_may_not_hear_any_more_it_owes_what_is_unconfirmed) {
  has.enter(room, false, 0);
  comes(4);
  lapses(room.last);
  EXPECT_EQ(owed(), (ranges{{4, 4}})) << "later messages are mail";
  has.asked(1);
  has.answered(1);
  EXPECT_TRUE(has.debts().empty());
}

TEST_F(one_room, what_lapses_while_a_ping_is_under_way_is_asked_for_by_the_next) {
  has.enter(room, false, 0);
  comes(4);
  has.asked(1);
  comes(5);
  lapses(room.last);
  has.answered(1);
  EXPECT_EQ(owed(), (ranges{{4, 5}}));
  EXPECT_TRUE(has.unconfirmed()) << "or nobody would ask";
  has.asked(2);
  has.answered(2);
  EXPECT_TRUE(has.debts().empty());
}

TEST_F(one_room, its_own_message_needs_no_receipt_unless_another_before_it_does) {
  has.enter(room, false, 0);
  comes(4, true);
  EXPECT_EQ(confirmed(), 4u);
  comes(5);
  comes(6, true);
  EXPECT_EQ(confirmed(), 4u);
  has.asked(1);
  has.answered(1);
  EXPECT_EQ(confirmed(), 6u);
  for (std::uint64_t seq = 7; seq < 100; ++seq) {
    comes(seq, true);
    lapses(room.last);
    EXPECT_EQ(owed(), ranges{});
    has.enter(room, false, 0);
  }
}

TEST_F(one_room, what_never_came_before_it_lapsed_is_owed_for_good_and_nothing_else) {
  has.enter(room, false, 0);
  comes(4);
  lapses({"e", 6});
  room.last.seq = 9;
  has.enter(room, false, 0);
  comes(10);
  lapses({"e", 12});
  has.asked(1);
  has.answered(1);
  EXPECT_EQ(owed(), (ranges{{5, 6}, {11, 12}}));
  room.last = {"f", 1};
  has.enter(room, false, 0);
  comes(2, false, "f");
  lapses({"g", 3});
  EXPECT_EQ(has.debts().back().confirmed, (message_place{"g", 0}));
  EXPECT_EQ(has.debts().back().to, 3u);
}

TEST_F(one_room, what_is_owed_to_nobody_knows_where_ends_where_the_room_is_heard_again) {
  has.enter(room, false, 0);
  comes(4);
  lapses(std::nullopt);
  EXPECT_EQ(owed(), (ranges{{4, 4}, {5, 0}}));
  room.last.seq = 8;
  has.enter(room, false, 0);
  comes(9);
  has.asked(1);
  has.answered(1);
  ASSERT_EQ(owed().size(), 2u);
  EXPECT_EQ(owed()[1], (std::pair<std::uint64_t, std::uint64_t>{5, 8}));
}

TEST_F(one_room, of_a_room_that_never_said_anything_here_it_owes_a_time) {
  has.enter(room, false, 500);
  has.lapse(0, ledger::standing{{"e", 7}, 900});
  has.leave(0);
  ASSERT_EQ(has.debts().size(), 1u);
  EXPECT_EQ(has.debts()[0].confirmed, (message_place{"", 500}));
  EXPECT_EQ(has.debts()[0].to, 900u);
}

TEST_F(one_room, tokens_that_come_and_go_leave_a_bounded_number_of_debts) {
  for (std::uint64_t n = 1; n <= 1000; ++n) {
    room.last = {"e", 3 * n - 1};
    has.enter(room, false, 0);
    comes(3 * n);
    lapses({"e", 3 * n + (n % 2)});
  }
  EXPECT_LE(has.debts().size(), 70u);
  for (std::uint64_t n = 1; n <= 1000; ++n) EXPECT_TRUE(owes(3 * n)) << n;
}

TEST_F(one_room, nothing_is_owed_twice_after_a_new_epoch) {
  has.enter(room, false, 5);
  EXPECT_EQ(has.debts().at(0).confirmed, (message_place{"", 5}));
  comes(40);
  comes(1, false, "f");
  EXPECT_EQ(has.debts().at(0).confirmed, (message_place{"f", 0}));
  EXPECT_FALSE(has.has({"f", 40}));
  EXPECT_TRUE(has.has({"e", 40})) << "mail of the old epoch may still come";
  has.asked(1);
  has.answered(1);
  EXPECT_EQ(has.debts().at(0).confirmed, (message_place{"f", 1}));
}

TEST_F(one_room, numbers_beyond_32_bits_are_numbers_too) {
  auto const big = (1ULL << 32) - 2;
  has.enter(room, false, 0);
  for (std::uint64_t i = 0; i < 6; ++i) EXPECT_TRUE(comes(big + i));
  EXPECT_EQ(confirmed(), big - 1);
  has.asked(1);
  has.answered(1);
  EXPECT_EQ(confirmed(), big + 5);
  EXPECT_TRUE(has.has({"e", big + 1}));
  EXPECT_FALSE(has.has({"e", big - 1}));
}
