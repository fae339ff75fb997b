// SPDX-License-Identifier: Apache-2.0
// Receipts: when the hub asks a session whether its messages have arrived.
#include "hub_stage.hpp"

namespace unit {
namespace {

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

}  // namespace
}  // namespace unit
