// SPDX-License-Identifier: Apache-2.0
// The subscription of rooms, the hand-over of pushed messages, and the watch over the subscription.
#include "unit/bus_of_two_workers.hpp"

using namespace unit;
using namespace testing;
using chat::bus;

TEST_F(bus_of_two_workers_alone, subscribes_to_the_channel_of_its_instance_at_once) {
  EXPECT_THAT(redis.subscribed(), ElementsAre(own_channel));
  EXPECT_TRUE(all.alive());
  redis.publish(own_channel, "w alice\n");
  events.settle();
  EXPECT_THAT(take(0), ElementsAre("mail for alice"));
  EXPECT_THAT(take(1), ElementsAre("mail for alice"));
}

TEST_F(bus_of_two_workers_alone, says_that_a_room_is_subscribed_when_redis_has_confirmed_and_told_where_it_stands) {
  redis.when("HMGET").hold();
  auto const subscribed = events.begin(all.subscribe(0, {tea}));
  EXPECT_THAT(redis.subscribed(), ElementsAre(own_channel, tea_channel));
  EXPECT_FALSE(subscribed->done);
  redis.release();
  events.settle();
  ASSERT_TRUE(subscribed->done);
  EXPECT_TRUE(*subscribed->value);
}

TEST_F(bus_of_two_workers_alone, asks_redis_once_for_a_room_of_two_workers) {
  subscribe(0);
  subscribe(1);
  EXPECT_EQ(redis.count("SUBSCRIBE"), 2U);  // with the instance's channel
  EXPECT_EQ(redis.count("HMGET"), 1U);
}

TEST_F(bus_of_two_workers_alone, hands_a_push_to_the_workers_that_are_subscribed_to_its_room) {
  subscribe(1);
  say();
  redis.publish(tea_channel, "t alice\n{}");
  events.settle();
  EXPECT_THAT(take(0), IsEmpty());
  EXPECT_THAT(take(1), ElementsAre("e:1", "alice types"));
  subscribe(0);
  say();
  EXPECT_THAT(take(0), ElementsAre("e:2"));
  EXPECT_THAT(take(1), ElementsAre("e:2"));
}

TEST_F(bus_of_two_workers_alone, gives_a_room_up_when_no_worker_is_subscribed_to_it_any_more) {
  subscribe(0);
  subscribe(1);
  all.unsubscribe(0, tea);
  events.settle();
  EXPECT_EQ(redis.count("UNSUBSCRIBE"), 0U);
  all.unsubscribe(1, tea);
  events.settle();
  EXPECT_THAT(redis.subscribed(), ElementsAre(own_channel));
  say();
  EXPECT_THAT(take(0), IsEmpty());
  subscribe(0);
  say();
  EXPECT_THAT(take(0), ElementsAre("e:2"));
}

TEST_F(bus_of_two_workers_alone, subscribes_anew_on_the_heels_of_an_unsubscription) {
  subscribe(0);
  all.unsubscribe(0, tea);
  subscribe(1);
  say();
  EXPECT_THAT(take(0), IsEmpty());
  EXPECT_THAT(take(1), ElementsAre("e:1"));
}

TEST_F(bus_of_two_workers_alone, refuses_to_subscribe_without_a_connection_and_does_it_with_the_next) {
  redis.down();
  events.pass(100ms);
  auto const refused = events.run(all.subscribe(0, {tea}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::not_connected);
  EXPECT_FALSE(all.alive());
  redis.up();
  events.pass(10s);
  EXPECT_THAT(redis.subscribed(), ElementsAre(own_channel, tea_channel));
}

TEST_F(bus_of_two_workers_alone, ends_the_wait_for_a_subscription_that_is_interrupted) {
  redis.when("SUBSCRIBE").hold();
  auto const subscribed = events.begin(all.subscribe(0, {tea}));
  EXPECT_FALSE(subscribed->done);
  redis.cut();
  events.settle();
  ASSERT_TRUE(subscribed->done);
  EXPECT_EQ(subscribed->value->error().code, errc::not_connected);
  redis.release();
}

TEST_F(bus_of_two_workers_alone, ends_the_wait_for_a_subscription_that_is_not_confirmed_in_time) {
  redis.when("SUBSCRIBE").hold();
  auto const subscribed = events.begin(all.subscribe(0, {tea}));
  events.pass(1900ms);
  EXPECT_FALSE(subscribed->done);
  events.pass(200ms);
  ASSERT_TRUE(subscribed->done);
  EXPECT_EQ(subscribed->value->error().code, errc::timeout);
  redis.release();
}

TEST_F(bus_of_two_workers_alone, catches_up_with_what_redis_has_published) {
  subscribe(0);
  redis.when("PING").once().give([this](support::redis_call const&) {
    publish();
    return support::text("PONG");
  });
  EXPECT_TRUE(events.run(all.catch_up(0)));
  EXPECT_THAT(take(0), ElementsAre("e:1"));
  interrupt();
  EXPECT_FALSE(events.run(all.catch_up(0))) << "its sessions are not compared";
}

TEST_F(bus_of_two_workers_alone, makes_a_deaf_subscription_anew) {
  redis.when("PUBLISH").give(support::number(1));  // and no push
  all.start();
  events.pass(3900ms);
  EXPECT_THAT(log.lines("bus.deaf"), IsEmpty());
  events.pass(1s);
  EXPECT_THAT(log.lines("bus.deaf"), SizeIs(1));
  EXPECT_FALSE(all.alive());
  redis.when("PUBLISH").give(
      [this](support::redis_call const& c) { return support::number(redis.publish(c.args.at(0), c.args.at(1))); });
  events.pass(4s);
  EXPECT_TRUE(all.alive());
  EXPECT_EQ(redis.count("SUBSCRIBE"), 2U);
}

TEST_F(bus_of_two_workers_alone, takes_no_silence_of_redis_for_a_deaf_subscription) {
  all.start();
  redis.down();
  events.pass(20s);
  redis.up();
  events.pass(10s);
  EXPECT_THAT(log.lines("bus.deaf"), IsEmpty());
  EXPECT_TRUE(all.alive());
}

TEST_F(bus_of_two_workers_alone, knows_a_twin_by_its_canary) {
  redis.when("PUBLISH").once().give(support::number(2));
  auto const twin = events.begin(all.has_twin());
  events.pass(1s);
  EXPECT_FALSE(twin->done);
  redis.publish(own_channel, "c of another\n");
  events.pass(100ms);
  ASSERT_TRUE(twin->done);
  EXPECT_TRUE(*twin->value);
}

TEST_F(bus_of_two_workers_alone, takes_no_dead_process_for_a_twin) {
  redis.when("PUBLISH").once().give(support::number(2));
  auto const twin = events.begin(all.has_twin());
  events.pass(3s);
  ASSERT_TRUE(twin->done);
  EXPECT_FALSE(*twin->value);
}

TEST_F(bus_of_two_workers_alone, says_in_the_log_what_it_cannot_read) {
  subscribe(0);
  redis.publish(tea_channel, "? alice\n{}");
  redis.publish(tea_channel, "m c no-place\n{}");
  redis.publish(own_channel, "t alice\n{}");
  events.settle();
  EXPECT_THAT(take(0), IsEmpty());
  EXPECT_THAT(log.lines("bus.unreadable"), SizeIs(3));
}
