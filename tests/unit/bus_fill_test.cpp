// SPDX-License-Identifier: Apache-2.0
// Holes are filled from the log, and a loss is told.
#include "unit/bus_of_two_workers.hpp"

using namespace unit;
using namespace testing;

TEST_F(bus_of_two_workers_alone, fills_a_hole_from_the_log_before_what_stands_behind_it) {
  subscribe(0);
  say();
  lose();
  lose();
  say();
  EXPECT_THAT(take(0), ElementsAre("e:1", "e:2", "e:3", "e:4"));
  EXPECT_EQ(redis.calls("history.lua").back().args.at(1), "0");  // with the last one, to compare it
  EXPECT_EQ(all.gaps(), 0U);
}

TEST_F(bus_of_two_workers_alone, waits_with_what_stands_behind_a_hole_until_the_log_has_answered) {
  subscribe(0);
  say();
  lose();
  redis.when("history.lua").hold();
  say();
  say();
  EXPECT_THAT(take(0), ElementsAre("e:1"));
  redis.release();
  events.settle();
  EXPECT_THAT(take(0), ElementsAre("e:2", "e:3", "e:4"));
}

TEST_F(bus_of_two_workers_alone, asks_the_log_again_when_it_cannot_answer_for_now) {
  subscribe(0);
  say();
  lose();
  redis.when("history.lua").times(2).refuse("LOADING Redis is loading the dataset in memory");
  say();
  EXPECT_THAT(take(0), ElementsAre("e:1"));
  events.pass(500ms);
  EXPECT_THAT(take(0), ElementsAre("e:2", "e:3"));
}

TEST_F(bus_of_two_workers_alone, goes_on_with_the_pushes_when_the_log_never_answers) {
  subscribe(0);
  say();
  lose();
  redis.when("history.lua").refuse("WRONGTYPE Operation against a key holding the wrong kind of value");
  say();
  EXPECT_THAT(take(0), ElementsAre("e:1", R"({"type":"gap","roomId":"tea","from":2,"to":2})", "e:3"));
  EXPECT_EQ(all.gaps(), 1U);
  EXPECT_THAT(log.lines("room.not_filled"), SizeIs(1));
}

TEST_F(bus_of_two_workers_alone, says_what_the_log_has_lost) {
  subscribe(0);
  say();
  lose();
  lose();
  kept = {1};
  say();
  EXPECT_THAT(take(0), ElementsAre("e:1", R"({"type":"gap","roomId":"tea","from":2,"to":3})", "e:4"));
  EXPECT_EQ(all.gaps(), 1U);
}

TEST_F(bus_of_two_workers_alone, says_that_a_room_begins_anew_when_redis_has_lost_it) {
  subscribe(0);
  say();
  say();
  take(0);
  epoch = "f";
  newest = 0;
  kept = {};
  say();
  EXPECT_THAT(take(0), ElementsAre(R"({"type":"gap","roomId":"tea"})", "f:1"));
  EXPECT_THAT(log.lines("room.epoch_changed"), SizeIs(1));
}

TEST_F(bus_of_two_workers_alone, has_an_epoch_begun_when_redis_went_back_behind_what_was_delivered) {
  subscribe(0);
  say();
  say();
  take(0);
  newest = 1;
  kept = {1};
  redis.when("new_epoch.lua").give([this](support::redis_call const&) {
    epoch = "f";
    newest = 0;
    kept = {};
    return support::ok();
  });
  interrupt();
  all.compared(0, 2);
  events.settle();
  EXPECT_THAT(take(0), ElementsAre("interrupted 2", R"({"type":"gap","roomId":"tea"})"));
  EXPECT_EQ(redis.calls("new_epoch.lua").back().args.at(0), "e");
  say();
  EXPECT_THAT(take(0), ElementsAre("f:1"));
}

TEST_F(bus_of_two_workers_alone, brings_what_was_said_during_an_interruption_once_sessions_are_compared) {
  subscribe(0);
  say();
  take(0);
  redis.cut();
  events.settle();
  lose();
  events.pass(3s);
  EXPECT_THAT(redis.subscribed(), ElementsAre(own_channel, tea_channel));
  say();
  EXPECT_THAT(take(0), ElementsAre("interrupted 2"));
  all.compared(0, 1);
  events.settle();
  EXPECT_THAT(take(0), IsEmpty());
  all.compared(0, 2);
  events.settle();
  EXPECT_THAT(take(0), ElementsAre("e:2", "e:3"));
}

TEST_F(bus_of_two_workers_alone, gives_the_first_worker_of_a_room_what_was_said_since_its_place) {
  lose();
  lose();
  events.run(all.begin_subscribing(0, {tea}, {{"e", 1}}));
  subscribe(0);
  EXPECT_THAT(take(0), ElementsAre("e:2"));
}
