// SPDX-License-Identifier: Apache-2.0
// The janitor: this instance's lease, and the sweep of dead instances.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/janitor_stage.hpp"

using namespace hiky;
using namespace std::chrono_literals;
using namespace support;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

class janitor : public a_janitor {};

}  // namespace

TEST_F(janitor, begins_by_ending_what_an_earlier_run_has_left) {
  data.listed["here"] = {{"old.1", "alice"}, {"old.2", "bob"}};
  redis.when("ZSCORE").give(text("900000"));
  EXPECT_TRUE(loop.run(him.begin(false)));
  auto const ended = redis.calls("disconnect.lua");
  ASSERT_EQ(ended.size(), 2U);
  EXPECT_EQ(ended[0].args[9], "849000") << "a lease and the longest time without a pong before its end";
  EXPECT_EQ(redis.names().back(), "lease_renew.lua");
  EXPECT_EQ(redis.calls("lease_renew.lua").back().args[2], "begin");
  EXPECT_EQ(losses, 1) << "all workers have heard that the lease begins anew";
  EXPECT_EQ(him.count().swept_connections.load(), 2U);
  EXPECT_THAT(log.lines("instance.swept"), ElementsAre(HasSubstr("connections=2")));
}

TEST_F(janitor, ends_what_all_have_left_where_nobody_else_can_live) {
  data.listed["there"] = {{"x.1", "alice"}};
  redis.when("SCAN").give(list("0", list("ws:instance_connections:here", "ws:instance_connections:there")));
  EXPECT_TRUE(loop.run(him.begin(true)));
  EXPECT_EQ(redis.calls("disconnect.lua").back().args[1], "x.1");
  EXPECT_EQ(redis.count("lease_forget.lua"), 2U);
}

TEST_F(janitor, does_not_begin_without_redis) {
  for (auto const* const command : {"lease_renew.lua", "lease_forget.lua", "ZSCORE", "HGETALL"}) {
    redis.when(command).once().refuse(loading);
    EXPECT_FALSE(loop.run(him.begin(false))) << command;
  }
  redis.when("SCAN").once().refuse(loading);
  EXPECT_FALSE(loop.run(him.begin(true)));
  data.listed["here"] = {{"old.1", "alice"}};
  redis.when("disconnect.lua").once().refuse(loading);
  EXPECT_FALSE(loop.run(him.begin(false)));
}

TEST_F(janitor, renews_the_lease_every_second) {
  runs();
  loop.pass(3500ms);
  EXPECT_EQ(redis.count("lease_renew.lua"), 3U);
  EXPECT_THAT(redis.calls("lease_renew.lua").back().args, ElementsAre("here", "15000", ""));
  EXPECT_EQ(him.count().renewals.load(), 3U);
  EXPECT_EQ(redis.count("announce_due.lua"), 3U);
  EXPECT_EQ(redis.count("typing_sweep.lua"), 3U);
}

TEST_F(janitor, goes_on_when_redis_does_not_answer) {
  runs();
  redis.when("lease_renew.lua").times(2).refuse(loading);
  loop.pass(3500ms);
  EXPECT_EQ(him.count().failures.load(), 2U);
  EXPECT_EQ(him.count().renewals.load(), 1U);
  EXPECT_THAT(log.lines("lease.not_renewed"), IsEmpty()) << "Redis is away; other parts log that";
  redis.when("lease_renew.lua").once().refuse(wrong_type);
  loop.pass(1s);
  EXPECT_THAT(log.lines("lease.not_renewed"), ElementsAre(HasSubstr("WRONGTYPE")));
}

TEST_F(janitor, a_lost_lease_begins_anew_when_all_workers_know) {
  runs();
  redis.when("lease_renew.lua").once().give(list(0));
  loop.pass(1100ms);
  ASSERT_EQ(redis.count("lease_renew.lua"), 2U);
  EXPECT_EQ(redis.calls("lease_renew.lua")[1].args[2], "begin");
  EXPECT_EQ(losses, 1);
  EXPECT_EQ(asserted, 1);
  EXPECT_EQ(him.count().losses.load(), 1U);
  EXPECT_THAT(log.lines("lease.lost"), Not(IsEmpty()));
  loop.pass(1s);
  EXPECT_EQ(asserted, 1);
}

TEST_F(janitor, connections_that_are_being_undone_are_asserted_after_that) {
  runs();
  redis.when("lease_renew.lua").times(2).give(list(2));
  loop.pass(2500ms);
  EXPECT_EQ(asserted, 0) << "to assert them now would be undone too";
  loop.pass(1s);
  EXPECT_EQ(asserted, 1);
}

TEST_F(janitor, ends_what_a_dead_instance_has_left_in_batches) {
  for (int i = 0; i < 20; ++i) data.listed["dead"].emplace_back(fmt::format("x.{}", i), "alice");
  redis.when("lease_renew.lua").once().give(list(1, "dead", "here"));
  runs();
  loop.pass(1100ms);
  EXPECT_EQ(redis.count("disconnect.lua"), 20U);
  auto const taken = redis.calls("lease_take.lua");
  ASSERT_EQ(taken.size(), 3U) << "the sweep is kept alive between batches";
  EXPECT_EQ(taken[0].args[2], "new");
  EXPECT_EQ(taken[1].args[2], "more");
  EXPECT_EQ(redis.calls("lease_forget.lua").back().args[0], "dead");
}

TEST_F(janitor, leaves_to_another_what_that_one_sweeps) {
  redis.when("lease_renew.lua").give(list(1, "dead"));
  redis.when("lease_take.lua").once().give(number(0));
  runs();
  loop.pass(1100ms);
  EXPECT_EQ(redis.count("HGETALL"), 0U);
  redis.when("lease_take.lua").once().refuse(loading);
  loop.pass(1s);
  redis.when("HGETALL").once().refuse(loading);
  loop.pass(1s);
  for (int i = 0; i < 9; ++i) data.listed["dead"].emplace_back(fmt::format("x.{}", i), "alice");
  redis.when("lease_take.lua", has("more")).once().refuse(loading);
  loop.pass(1s);
  EXPECT_EQ(log.lines("instance.not_swept").size(), 3U);
  EXPECT_EQ(redis.count("lease_forget.lua"), 0U) << "it will be found again";
}

TEST_F(janitor, stops_when_told_so) {
  runs();
  him.stop();
  him.expect_announcement(1ms);
  loop.pass(2s);
  EXPECT_TRUE(running->done);
  EXPECT_EQ(redis.count("announce_due.lua"), 0U);
}

TEST_F(janitor, gives_the_lease_up_at_the_end) {
  loop.run(him.end());
  EXPECT_EQ(redis.count("lease_give_up.lua"), 1U);
  redis.when("lease_give_up.lua").once().give(number(4));
  loop.run(him.end());
  EXPECT_THAT(log.lines("lease.given_up_early"), ElementsAre(HasSubstr("connections=4")));
  redis.when("lease_give_up.lua").once().refuse(loading);
  loop.run(him.end());
  EXPECT_THAT(log.lines("lease.not_given_up"), Not(IsEmpty()));
}
