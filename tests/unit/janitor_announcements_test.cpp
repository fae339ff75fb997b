// SPDX-License-Identifier: Apache-2.0
// The janitor announces absences when they are due, ends typing marks, and knows whether Redis takes writes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/janitor_stage.hpp"

using namespace hiky;
using namespace std::chrono_literals;
using namespace support;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

class janitor_by_the_second : public a_janitor {};

}  // namespace

TEST_F(janitor_by_the_second, tells_friends_of_absences_when_they_are_due) {
  redis.when("announce_due.lua").once().give(list("alice", "1.5", "bob", "2.5"));
  redis.when("announce_done.lua").once().give(list("bob"));
  runs();
  loop.pass(1100ms);
  EXPECT_THAT(told, ElementsAre("alice off", "bob off", "bob on"))
      << "a user who has come back meanwhile is told of again";
  EXPECT_THAT(redis.calls("announce_done.lua").back().args, ElementsAre("alice", "1.5", "bob", "2.5"));
}

TEST_F(janitor_by_the_second, friends_who_could_not_be_told_are_told_when_the_claim_ends) {
  friends_hear = false;
  redis.when("announce_due.lua").once().give(list("alice", "1.5"));
  runs();
  loop.pass(1100ms);
  EXPECT_EQ(redis.count("announce_done.lua"), 0U);
  friends_hear = true;
  redis.when("announce_due.lua").once().give(list("alice", "1.5"));
  redis.when("announce_done.lua").once().refuse(loading);
  loop.pass(1s);
  EXPECT_THAT(told, ElementsAre("alice off", "alice off"));
}

TEST_F(janitor_by_the_second, many_announcements_are_taken_in_portions) {
  std::vector<resp> many;
  for (int i = 0; i < 100; ++i) {
    many.push_back(text(fmt::format("user{}", i)));
    many.push_back(text("1.5"));
  }
  redis.when("announce_due.lua").once().give(list_of(many));
  runs();
  loop.pass(1100ms);
  EXPECT_EQ(redis.count("announce_due.lua"), 2U);
  EXPECT_EQ(told.size(), 100U);
}

TEST_F(janitor_by_the_second, an_announcement_does_not_wait_for_the_next_second) {
  runs();
  him.expect_announcement(100ms);
  him.expect_announcement(100ms);
  loop.pass(110ms);
  EXPECT_EQ(redis.count("announce_due.lua"), 1U);
}

TEST_F(janitor_by_the_second, errors_of_announcements_and_marks_are_logged_and_no_more) {
  runs();
  redis.when("announce_due.lua").once().refuse(wrong_type);
  redis.when("typing_sweep.lua").once().refuse(wrong_type);
  loop.pass(2100ms);
  EXPECT_THAT(log.lines("announcement.failed"), ElementsAre(HasSubstr("WRONGTYPE")));
  EXPECT_THAT(log.lines("typing.not_swept"), ElementsAre(HasSubstr("WRONGTYPE")));
  EXPECT_EQ(him.count().renewals.load(), 2U);
}

TEST_F(janitor_by_the_second, ends_typing_marks_until_few_are_left) {
  redis.when("typing_sweep.lua").times(2).give(number(100));
  runs();
  loop.pass(1100ms);
  EXPECT_EQ(redis.count("typing_sweep.lua"), 3U);
}

TEST_F(janitor_by_the_second, knows_why_redis_takes_no_writes) {
  redis.when("write_probe.lua").times(2).refuse("MISCONF Redis is configured to save RDB snapshots");
  runs();
  EXPECT_FALSE(him.refusal());
  loop.pass(2100ms);
  ASSERT_TRUE(him.refusal());
  EXPECT_THAT(*him.refusal(), HasSubstr("MISCONF"));
  EXPECT_EQ(log.lines("redis.refuses_writes").size(), 1U);
  loop.pass(2s);
  EXPECT_TRUE(him.refusal()) << "one write may be taken and the next one refused";
  loop.pass(1s);
  EXPECT_FALSE(him.refusal());
  EXPECT_THAT(log.lines("redis.takes_writes"), Not(IsEmpty()));
}

TEST_F(janitor_by_the_second, knows_which_refusals_do_not_pass_by_themselves) {
  runs();
  for (std::string_view const passing : {"BUSY Redis is busy running a script", "LOADING", "MASTERDOWN Link"}) {
    redis.when("write_probe.lua").once().refuse(std::string{passing});
    loop.pass(1100ms);
    EXPECT_FALSE(him.refusal()) << passing;
  }
  redis.when("write_probe.lua").once().refuse("NOPERM this user has no permissions to run the 'publish' command");
  loop.pass(1s);
  ASSERT_TRUE(him.refusal());
  EXPECT_THAT(*him.refusal(), AllOf(HasSubstr("NOPERM"), HasSubstr("deploy/redis/users.acl")));
  EXPECT_THAT(log.lines("redis.refuses_writes"), ElementsAre(HasSubstr("clients get `internal`")));
}

TEST_F(janitor_by_the_second, an_end_waits_for_announcements_under_way) {
  redis.when("announce_due.lua").hold();
  him.expect_announcement(0ms);
  loop.pass(10ms);
  auto const end = loop.begin(him.end());
  loop.pass(100ms);
  EXPECT_FALSE(end->done);
  redis.release();
  loop.pass(100ms);
  EXPECT_TRUE(end->done);
}
