// SPDX-License-Identifier: Apache-2.0
// The bus against a Redis that says what the test tells it to say, while time stands still. What comes of it on a real
// Redis: tests/contract/bus_test.cpp.
#include "chat/bus/bus.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "support/log_capture.hpp"
#include "support/scripted_redis.hpp"
#include "support/still_loop.hpp"

using namespace hiky;
using namespace testing;
using namespace std::chrono_literals;
using chat::bus;
using support::has;
using support::list;
namespace notice = chat::notice;

namespace {

constexpr auto tea_channel = "ws:1:room:tea", own_channel = "ws:1:instance:one";

std::string frame_of(std::uint64_t seq) { return fmt::format(R"({{"type":"message","n":{}}})", seq); }

struct in_words {
  std::string operator()(notice::message const& m) const { return fmt::format("{}:{}", m.place.epoch, m.place.seq); }
  std::string operator()(notice::gap const& m) const { return std::string{m.frame->payload()}; }
  std::string operator()(notice::typing const& m) const { return m.user + " types"; }
  std::string operator()(notice::mail const& m) const { return "mail for " + m.user; }
  std::string operator()(notice::interrupted const& m) const { return fmt::format("interrupted {}", m.generation); }
  template <class Other>
  std::string operator()(Other const&) const {
    return "something else";
  }
};

class bus_of_two_workers_alone : public Test {
 protected:
  bus_of_two_workers_alone() {
    for (auto& each : got) {
      all.add_worker([&each](bus::batch const& batch, std::chrono::steady_clock::time_point) {
        for (auto const& m : batch) each.push_back(std::visit(in_words{}, *m));
      });
    }
    redis.when("HMGET").give([this](support::redis_call const&) { return list(epoch, newest); });
    redis.when("history.lua").give([this](support::redis_call const& c) { return page(std::stoull(c.args.at(1))); });
    client.start();
    events.settle();
    for (auto& each : got) each.clear();
  }
  ~bus_of_two_workers_alone() override {
    all.stop();
    client.stop();
    events.pass(2s);
    EXPECT_THAT(redis.surprises(), IsEmpty());
  }

  // What the log of tea holds behind `after`.
  support::resp page(std::uint64_t after) const {
    std::vector<support::resp> out{support::text(epoch), support::as_reply(newest),
                                   support::as_reply(kept.empty() ? 0 : kept.front()), support::as_reply(0)};
    for (auto const seq : kept) {
      if (seq > after) out.push_back(list(seq, frame_of(seq), "c"));
    }
    return support::list_of(out);
  }
  // A message is said in tea.
  void say() {
    publish();
    events.settle();
  }
  void publish() {
    lose();
    redis.publish(tea_channel, fmt::format("m c {}:{}\n{}", epoch, newest, frame_of(newest)));
  }
  // The same, and no push brings it.
  void lose() { kept.push_back(++newest); }
  void subscribe(std::size_t worker) {
    auto const subscribed = events.begin(all.subscribe(worker, {tea}));
    ASSERT_TRUE(subscribed->done);
    ASSERT_TRUE(*subscribed->value);
  }
  // The connection is lost and made anew.
  void interrupt() {
    redis.cut();
    events.pass(3s);
  }
  std::vector<std::string> take(std::size_t worker) { return std::exchange(got[worker], {}); }

  support::log_capture log;
  support::still_loop events;
  support::scripted_redis redis{events.executor()};
  redis::client client{events.executor(), redis.address()};
  bus all{client, instance_id{"one"}};
  std::array<std::vector<std::string>, 2> got;
  room_id const tea{"tea"};
  std::string epoch{"e"};
  std::uint64_t newest = 0;
  std::vector<std::uint64_t> kept;
};

}  // namespace

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

TEST_F(bus_of_two_workers_alone, fills_a_hole_from_the_log_before_what_stands_behind_it) {
  subscribe(0);
  say();
  lose();
  lose();
  say();
  EXPECT_THAT(take(0), ElementsAre("e:1", "e:2", "e:3", "e:4"));
  EXPECT_EQ(redis.calls("history.lua").back().args.at(1), "0");  // with the last one: is it still the same?
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

TEST_F(bus_of_two_workers_alone, gives_a_late_worker_what_the_others_have_had_since_its_place) {
  subscribe(0);
  say();
  say();
  events.run(all.begin_subscribing(1, {tea}, {{"e", 1}}, bus::since::place));
  say();
  EXPECT_THAT(take(0), ElementsAre("e:1", "e:2", "e:3"));
  EXPECT_THAT(take(1), ElementsAre("e:2", "e:3"));
}

TEST_F(bus_of_two_workers_alone, gives_the_first_worker_of_a_room_what_was_said_since_its_place) {
  lose();
  lose();
  events.run(all.begin_subscribing(0, {tea}, {{"e", 1}}));
  subscribe(0);
  EXPECT_THAT(take(0), ElementsAre("e:2"));
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
