// SPDX-License-Identifier: Apache-2.0
// A session's end reaches Redis, also through faults of Redis.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/chat_stage.hpp"

using namespace hiky;
using namespace std::chrono_literals;
using namespace support;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

class ending : public chat_story {
 protected:
  explicit ending(chat_settings settings = {}) : chat_story(std::move(settings)) {}
  // The rooms in the call of disconnect.lua, behind its first 16 arguments: room, epoch, seq and last seq of each.
  std::vector<std::string> owed() const {
    auto const args = redis.calls("disconnect.lua").back().args;
    return {args.begin() + 16, args.end()};
  }
};

class ending_without_grace : public ending {
 protected:
  ending_without_grace() : ending({.grace = 0ms}) {}
};

}  // namespace

TEST_F(ending, a_message_that_a_pong_has_confirmed_is_not_owed) {
  auto& alice = arrives("alice", {"tea"});
  flows.tick();
  data.say("tea", "bob", "1");
  settle();
  EXPECT_EQ(alice.pings(), 1) << "the first message after a while asks for a receipt";
  alice.pongs();
  data.say("tea", "bob", "2");
  settle();
  alice.leaves();
  EXPECT_THAT(owed(), ElementsAre("tea", "e", "1", "0"));
  EXPECT_EQ(count.registered_connections.get(), 0U);
}

TEST_F(ending, messages_are_asked_about_when_they_have_gone_quiet) {
  auto& alice = arrives("alice", {"tea"});
  flows.tick();
  data.say("tea", "bob", "1");
  settle();
  alice.pongs();
  data.say("tea", "bob", "2");
  settle();
  EXPECT_EQ(alice.pings(), 0);
  for (int i = 0; i < 2; ++i) {
    flows.tick();
    pass(300ms);
  }
  EXPECT_EQ(alice.pings(), 1);
  alice.pongs();
  alice.leaves();
  EXPECT_THAT(owed(), ElementsAre("tea", "e", "2", "0"));
}

TEST_F(ending, nothing_was_said_since_the_connection_began) {
  auto& alice = arrives("alice", {"tea"});
  alice.leaves();
  EXPECT_THAT(owed(), ElementsAre("tea", "", "0", "0"));
}

TEST_F(ending, a_stranger_has_nothing_to_end) {
  auto& somebody = connects();
  somebody.leaves();
  EXPECT_EQ(redis.count("disconnect.lua"), 0U);
}

TEST_F(ending, is_kept_at_while_redis_is_away) {
  auto& alice = arrives("alice", {"tea"});
  int announced = 0;
  flows.on_offline([&] { ++announced; });
  redis.when("disconnect.lua").times(3).refuse(loading);
  alice.leaves();
  EXPECT_FALSE(loop.begin(flows.settled(0ms))->value.value_or(false));
  EXPECT_TRUE(flows.holds(connection_id{"c1"}, user_id{"alice"})) << "its end is on the way";
  pass(2s);
  EXPECT_EQ(redis.count("disconnect.lua"), 4U);
  EXPECT_FALSE(flows.holds(connection_id{"c1"}, user_id{"alice"}));
  EXPECT_EQ(announced, 1) << "a look for due announcements follows";
  EXPECT_TRUE(loop.run(flows.settled(1s)));
}

TEST_F(ending, an_end_that_redis_can_not_take_at_all_is_logged_and_over) {
  auto& alice = arrives("alice");
  redis.when("disconnect.lua").refuse(wrong_type);
  alice.leaves();
  pass(2s);
  EXPECT_EQ(redis.count("disconnect.lua"), 1U);
  EXPECT_THAT(log.lines("session.not_ended"), ElementsAre(HasSubstr("WRONGTYPE")));
}

TEST_F(ending_without_grace, friends_are_told_at_once) {
  people.befriend("alice", "bob");
  auto& alice = arrives("alice");
  alice.leaves();
  EXPECT_THAT(redis.calls("notify.lua").back().args[3], HasSubstr("friendOffline"));
}

TEST_F(ending, a_long_tail_takes_its_turn) {
  auto& alice = arrives("alice", {"tea"});
  auto& bob = arrives("bob", {"tea"});
  for (int i = 0; i < 25; ++i) data.say("tea", "carol", "1");
  settle();
  alice.leaves();
  bob.leaves();
  pass(100ms);
  EXPECT_EQ(redis.count("disconnect.lua"), 2U);
}

TEST_F(ending, settled_waits_for_the_rooms_to_be_told_of_arrivals) {
  arrives("alice", {"tea"});
  auto const done = loop.begin(flows.settled(5s));
  EXPECT_FALSE(done->done);
  pass(500ms);
  ASSERT_TRUE(done->done);
  EXPECT_TRUE(*done->value);
}

TEST_F(ending, returns_are_told_again_while_redis_is_away) {
  redis.when("announce_back.lua").times(2).refuse(loading);
  arrives("alice", {"tea"});
  pass(2s);
  EXPECT_EQ(redis.count("announce_back.lua"), 3U);
  redis.when("announce_back.lua").refuse(wrong_type);
  arrives("bob", {"tea"});
  pass(2s);
  EXPECT_THAT(log.lines("announcement.failed"), ElementsAre(HasSubstr("WRONGTYPE")));
}

TEST_F(ending, many_who_return_at_once_are_told_of_in_one_go) {
  for (int i = 0; i < 5; ++i) arrives(fmt::format("user{}", i), {"tea"});
  pass(300ms);
  EXPECT_EQ(redis.count("announce_back.lua"), 1U);
  std::set<std::string> rooms;
  for (int i = 0; i < 500; ++i) rooms.insert(fmt::format("room{}", i));
  for (int i = 0; i < 5; ++i) arrives(fmt::format("again{}", i), rooms);
  pass(300ms);
  EXPECT_EQ(redis.count("announce_back.lua"), 3U) << "of many rooms, a part in each";
}

TEST_F(ending, a_connection_that_nobody_has_is_ended_like_one_that_vanished) {
  loop.run(flows.undo(connection_id{"x.1"}, user_id{"alice"}, 12345));
  auto const ended = redis.calls("disconnect.lua").back();
  EXPECT_EQ(ended.args[1], "x.1");
  EXPECT_EQ(ended.args[9], "12345");
  EXPECT_EQ(count.undone.get(), 1U);
}

TEST_F(ending, a_connection_of_this_worker_is_held) {
  arrives("alice");
  EXPECT_TRUE(flows.holds(connection_id{"c1"}, user_id{"alice"}));
  EXPECT_FALSE(flows.holds(connection_id{"c1"}, user_id{"bob"}));
  EXPECT_FALSE(flows.holds(connection_id{"c2"}, user_id{"alice"}));
}

TEST_F(ending, activity_is_told_for_many_at_once) {
  auto& alice = arrives("alice");
  auto& bob = arrives("bob");
  for (auto* one : {&alice, &bob, &alice}) one->says(R"({"type":"ping"})");
  EXPECT_EQ(redis.count("seen.lua"), 0U);
  pass(10s);
  ASSERT_EQ(redis.count("seen.lua"), 1U);
  EXPECT_THAT(redis.calls("seen.lua").back().args,
              ElementsAre(testing::StartsWith("2026-01-31T12:00:"), "alice", "bob"));
  redis.when("seen.lua").once().refuse(wrong_type);
  alice.says(R"({"type":"ping"})");
  pass(10s);
  EXPECT_THAT(log.lines("activity.not_told"), ElementsAre(HasSubstr("WRONGTYPE")));
  alice.says(R"({"type":"ping"})");
  alice.leaves();
  pass(10s);
  EXPECT_EQ(redis.count("seen.lua"), 2U) << "a user who is gone was last seen at the end";
}
