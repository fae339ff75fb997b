// SPDX-License-Identifier: Apache-2.0
#include "chat/upkeep/forgetter.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/log_capture.hpp"
#include "support/scripted_redis.hpp"
#include "support/still_loop.hpp"

using namespace hiky;
using namespace std::chrono_literals;
using namespace support;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

class forgetting : public testing::Test {
 protected:
  forgetting() {
    redis.when("TIME").give(list("1769860800", "0"));  // 2026-01-31T12:00:00Z
    redis.when("GET").give(text("2025-01-01T00:00:00.000Z"));
    redis.when("EXISTS").give(number(0));
    redis.when("SISMEMBER").give(number(0));
    redis.when("SRANDMEMBER").give(list("tea"));
    redis.when("leave.lua").give(number(1));
    redis.when("forget.lua").give(number(1));
    client.start();
    loop.until([this] { return client.connected(); });
    loop.settle();
    redis.forget();
  }
  ~forgetting() override {
    it.stop();
    client.stop();
    loop.settle();
  }
  void TearDown() override { EXPECT_THAT(redis.surprises(), IsEmpty()); }

  void were_seen(std::vector<std::string> const& users, std::string next = "0") {
    std::vector<resp> keys;
    for (auto const& user : users) keys.push_back(text("ws:last_seen:" + user));
    redis.when("SCAN").give(list(next, list_of(keys)));
  }

  still_loop loop;
  log_capture log;
  scripted_redis redis{loop.executor()};
  redis::client client{loop.executor(), redis.address()};
  state::members members{client, 1};
  chat::forgetter it{client, members, std::chrono::days{90}};
};

}  // namespace

TEST_F(forgetting, a_user_who_was_not_seen_for_long_leaves_all_rooms_and_is_gone) {
  were_seen({"alice"});
  auto const running = loop.begin(it.run());
  loop.pass(1100ms);
  EXPECT_EQ(redis.calls("leave.lua").back().args[0], "alice");
  EXPECT_EQ(redis.calls("forget.lua").back().args[0], "alice");
  EXPECT_EQ(it.users(), 1U);
  EXPECT_EQ(it.memberships(), 1U);
  EXPECT_THAT(log.lines("users.forgotten"), ElementsAre(HasSubstr("users=1 memberships=1")));
  it.stop();
  loop.pass(2h);
  EXPECT_TRUE(running->done);
}

TEST_F(forgetting, a_user_who_was_seen_lately_or_is_here_stays) {
  were_seen({"alice", "bob", "carol", "dora"});
  redis.when("GET", has("ws:last_seen:alice")).give(text("2026-01-30T00:00:00.000Z"));
  redis.when("GET", has("ws:last_seen:dora")).give(text("last year"));  // another program's word
  redis.when("EXISTS", has("ws:user_connections:bob")).give(number(1));
  redis.when("SISMEMBER", has("carol")).give(number(1));
  auto const running = loop.begin(it.run());
  loop.pass(1100ms);
  EXPECT_EQ(redis.count("SRANDMEMBER"), 0U);
}

TEST_F(forgetting, goes_in_small_steps) {
  were_seen({"alice", "bob"});
  std::vector<resp> rooms;
  for (int i = 0; i < 100; ++i) rooms.push_back(text(fmt::format("room{}", i)));
  redis.when("SRANDMEMBER").once().give(list_of(rooms));
  auto const running = loop.begin(it.run());
  loop.pass(1100ms);
  EXPECT_EQ(redis.count("leave.lua"), 100U);
  EXPECT_EQ(redis.count("forget.lua"), 0U) << "alice may be in more rooms";
  loop.pass(1s);
  EXPECT_EQ(it.users(), 2U);
}

TEST_F(forgetting, pages_follow_by_the_second_and_rounds_by_the_half_hour) {
  were_seen({}, "7");
  auto const running = loop.begin(it.run());
  loop.pass(2100ms);
  ASSERT_THAT(redis.calls("SCAN"), SizeIs(2));
  EXPECT_EQ(redis.calls("SCAN")[1].args[0], "7");
  were_seen({});
  loop.pass(1s);
  loop.pass(20min);
  EXPECT_EQ(redis.count("SCAN"), 3U);
  loop.pass(10min);
  EXPECT_EQ(redis.count("SCAN"), 4U);
}

TEST_F(forgetting, a_user_who_has_come_back_is_not_forgotten) {
  were_seen({"alice"});
  redis.when("leave.lua").give(number(0));
  redis.when("forget.lua").give(number(0));
  auto const running = loop.begin(it.run());
  loop.pass(1100ms);
  EXPECT_EQ(it.users() + it.memberships(), 0U);
  EXPECT_THAT(log.lines("users.forgotten"), IsEmpty());
}

TEST_F(forgetting, a_broken_key_of_one_keeps_nobody_else_and_is_told_once_an_hour) {
  were_seen({"alice", "bob", "carol"});
  redis.when("SRANDMEMBER", has("ws:member_rooms:alice")).refuse(wrong_type);
  redis.when("leave.lua", has("bob")).refuse(wrong_type);
  auto const running = loop.begin(it.run());
  loop.pass(1100ms);
  EXPECT_EQ(it.users(), 1U);
  loop.pass(40min);
  EXPECT_THAT(log.lines("users.not_forgotten"), ElementsAre(HasSubstr("WRONGTYPE")));
}

TEST_F(forgetting, a_redis_that_is_away_is_asked_again) {
  were_seen({"alice"});
  redis.when("SCAN").once().refuse(loading);
  redis.when("forget.lua").once().refuse(loading);
  auto const running = loop.begin(it.run());
  loop.pass(4s);
  EXPECT_EQ(it.users(), 1U);
  EXPECT_THAT(log.lines("users.not_forgotten"), IsEmpty());
}

TEST_F(forgetting, nobody_where_nobody_is_to_be) {
  chat::forgetter never{client, members, 0s};
  loop.run(never.run());
  EXPECT_EQ(redis.count("SCAN"), 0U);
}
