// SPDX-License-Identifier: Apache-2.0
// A Redis that has lost its data is told of the sessions again.
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

class asserted : public chat_story {};

}  // namespace

TEST_F(asserted, a_redis_that_has_lost_its_data_is_told_of_every_session) {
  auto& alice = arrives("alice", {"tea"}, R"("events":true)");
  arrives("bob", {"tea"});
  data.rooms.clear();
  data.connections.clear();
  flows.assert_again(10ms);
  pass(500ms);
  EXPECT_TRUE(data.connections["alice"].contains("c1"));
  EXPECT_TRUE(data.connections["bob"].contains("c2"));
  EXPECT_TRUE(data.rooms["alice"].contains("tea"));
  EXPECT_EQ(redis.calls("connect.lua").back().args[10], "remembered");
  EXPECT_THAT(alice.hears(), IsEmpty()) << "clients notice nothing";
}

TEST_F(asserted, a_session_that_wants_something_is_told_of_first) {
  auto& alice = arrives("alice", {"tea"});
  flows.lost();
  redis.forget();
  alice.says(R"({"type":"message","id":"1","roomId":"tea","content":1})");
  EXPECT_THAT(redis.names(), ElementsAre("connect.lua", "publish.lua"));
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr("messageAck")));
}

TEST_F(asserted, a_session_that_redis_did_not_take_is_told_of_again) {
  arrives("alice", {"tea"});
  redis.when("connect.lua").times(3).refuse(loading);
  flows.assert_again(0ms);
  pass(1s);
  EXPECT_EQ(redis.count("connect.lua"), 5U);
  redis.when("connect.lua").refuse(wrong_type);
  flows.assert_again(0ms);
  pass(1s);
  EXPECT_EQ(redis.count("connect.lua"), 6U) << "a session that Redis cannot take is not tried again";
  EXPECT_THAT(log.lines("session.not_asserted"), ElementsAre(HasSubstr("WRONGTYPE")));
}

TEST_F(asserted, rooms_that_another_connection_has_left_are_left) {
  auto& alice = arrives("alice", {"chess", "tea"}, R"("events":true)");
  redis.when("connect.lua").once().give(list(1, 0, 0, data.now_ms, 0, "chess"));
  data.rooms["alice"] = {"chess"};
  flows.assert_again(0ms);
  pass(300ms);
  EXPECT_THAT(alice.hears(), ElementsAre(R"({"type":"roomRemoved","roomId":"tea"})"));
}

TEST_F(asserted, a_user_who_was_banned_meanwhile_is_ended) {
  auto& alice = arrives("alice");
  data.kept_out["alice"] = 60;
  flows.assert_again(0ms);
  pass(300ms);
  EXPECT_EQ(alice.closed_with(), 4403);
}

TEST_F(asserted, mail_that_waits_is_fetched_when_redis_is_told) {
  auto& alice = arrives("alice");
  data.mail["alice"] = {R"({"roomId":"tea","messageId":"e:1","content":1})"};
  flows.assert_again(0ms);
  pass(300ms);
  alice.hears_one("offlineMessages");
}

TEST_F(asserted, a_client_that_goes_while_redis_is_told_is_ended_behind_it) {
  auto& alice = arrives("alice", {"tea"});
  redis.when("connect.lua").hold();
  flows.assert_again(0ms);
  pass(1ms);
  alice.leaves();
  EXPECT_EQ(redis.count("disconnect.lua"), 0U);
  redis.release();
  pass(1s);
  EXPECT_GE(redis.count("disconnect.lua"), 1U);
  EXPECT_TRUE(data.connections["alice"].empty());
}

TEST_F(asserted, the_end_of_a_session_that_redis_has_lost_is_told_behind_its_rooms) {
  auto& alice = arrives("alice", {"tea"});
  data.say("tea", "bob", "1");
  settle();
  flows.lost();
  redis.forget();
  redis.when("connect.lua").once().refuse(loading);
  alice.leaves();
  pass(1s);
  EXPECT_EQ(redis.count("connect.lua"), 2U);
  EXPECT_EQ(redis.names().back(), "disconnect.lua");
}

TEST_F(asserted, another_program_may_have_taken_a_user_offline) {
  arrives("alice", {"tea"});
  arrives("bob");
  auto const kept = loop.begin(flows.keep_online(5s));
  data.connections["alice"].clear();
  pass(6s);
  EXPECT_TRUE(data.connections["alice"].contains("c1"));
  EXPECT_THAT(log.lines("session.taken_offline"), ElementsAre(HasSubstr("user=alice")));
  redis.when("SMISMEMBER").once().refuse(loading);
  pass(10s);
  EXPECT_EQ(redis.count("SMISMEMBER"), 3U) << "there is a next time";
}
