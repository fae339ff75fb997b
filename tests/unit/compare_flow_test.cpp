// SPDX-License-Identifier: Apache-2.0
// Sessions are compared with Redis: a notice that was lost makes a session wrong for a while, never for good.
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

class compared : public chat_story {
 protected:
  // Each session is compared once a minute, a few with each tick.
  void a_minute_passes() {
    for (int i = 0; i < 4 * 60 + 2; ++i) {
      flows.tick();
      loop.pass(250ms, 5);
    }
  }
  // The subscription is lost and holds again.
  void is_interrupted() {
    redis.cut();
    pass(100ms);
  }
};

}  // namespace

TEST_F(compared, once_a_minute_and_nothing_comes_of_it_where_all_is_well) {
  auto& alice = arrives("alice", {"tea"}, R"("events":true)");
  a_minute_passes();
  EXPECT_GE(redis.count("compare.lua"), 1U);
  EXPECT_THAT(alice.hears(), IsEmpty());
  EXPECT_TRUE(alice.is_open());
}

TEST_F(compared, a_room_that_was_left_unheard_is_left) {
  auto& alice = arrives("alice", {"chess", "tea"}, R"("events":true)");
  data.rooms["alice"].erase("tea");
  a_minute_passes();
  EXPECT_THAT(alice.hears(), ElementsAre(R"({"type":"roomRemoved","roomId":"tea"})"));
  EXPECT_THAT(redis.subscribed(), Not(Contains("ws:1:room:tea")));
}

TEST_F(compared, a_room_that_was_entered_unheard_is_entered_with_what_it_said_since) {
  auto& alice = arrives("alice", {"tea"}, R"("events":true)");
  data.rooms["alice"].insert("garden");
  auto const frame = data.keep("garden", "bob", R"("you missed this")");
  a_minute_passes();
  EXPECT_THAT(alice.hears(), ElementsAre(R"({"type":"roomAdded","roomId":"garden"})", frame));
  auto const second = data.say("garden", "bob", R"("but not this")");
  settle();
  EXPECT_THAT(alice.hears(), ElementsAre(second));
  alice.leaves();
  EXPECT_TRUE(redis.calls("disconnect.lua").back().has("garden")) << "messages that no pong has confirmed are owed";
}

TEST_F(compared, a_room_that_is_too_far_ahead_is_entered_with_a_gap) {
  auto& alice = arrives("alice", {}, R"("events":true)");
  data.rooms["alice"].insert("garden");
  for (int i = 0; i < 1201; ++i) data.keep("garden", "bob", "1");
  a_minute_passes();
  auto const heard = alice.hears();
  ASSERT_EQ(heard.size(), 1202U);
  EXPECT_EQ(heard[1], R"({"type":"gap","roomId":"garden","from":1201,"to":1201})");
}

TEST_F(compared, mail_that_nobody_has_told_of_is_fetched) {
  auto& alice = arrives("alice");
  data.mail["alice"] = {R"({"roomId":"tea","messageId":"e:1","content":1})"};
  a_minute_passes();
  alice.hears_one("offlineMessages");
}

TEST_F(compared, a_kick_that_nobody_heard_of_ends_the_connection) {
  auto& alice = arrives("alice");
  data.kick["alice"] = 3;
  a_minute_passes();
  EXPECT_EQ(alice.closed_with(), 4403);
  EXPECT_EQ(alice.reason(), "disconnected by an operator");
  EXPECT_EQ(count.kicked.get(), 1U);
}

TEST_F(compared, a_ban_that_nobody_heard_of_ends_the_connection) {
  auto& alice = arrives("alice");
  data.kept_out["alice"] = 60;
  a_minute_passes();
  EXPECT_EQ(alice.closed_with(), 4403);
  EXPECT_EQ(alice.reason(), "banned by an operator");
}

TEST_F(compared, a_connection_that_redis_does_not_know_is_told_to_it_again) {
  auto& alice = arrives("alice", {"tea"});
  data.connections.clear();
  a_minute_passes();
  EXPECT_TRUE(data.connections["alice"].contains("c1"));
  EXPECT_EQ(redis.calls("connect.lua").back().args[10], "stored") << "Redis knows the rooms better than we do";
  EXPECT_TRUE(alice.is_open());
}

TEST_F(compared, after_an_interruption_at_once_and_before_anything_else_comes) {
  auto& alice = arrives("alice", {"chess", "tea"}, R"("events":true)");
  redis.when("compare.lua").hold();
  redis.cut();
  data.rooms["alice"].erase("tea");
  pass(100ms);
  redis.release();
  settle();
  EXPECT_THAT(alice.hears(), ElementsAre(R"({"type":"roomRemoved","roomId":"tea"})"));
  auto const frame = data.say("chess", "bob", "1");
  data.say("tea", "bob", "1");
  pass(50ms);
  EXPECT_THAT(alice.hears(), ElementsAre(frame));
}

TEST_F(compared, messages_of_an_interruption_come_from_the_log) {
  auto& alice = arrives("alice", {"tea"});
  auto const first = data.say("tea", "bob", "1");
  settle();
  redis.cut();
  auto const second = data.keep("tea", "bob", "2");
  pass(500ms);
  EXPECT_THAT(alice.hears(), ElementsAre(first, second));
}

TEST_F(compared, an_interruption_waits_for_a_redis_that_loads) {
  auto& alice = arrives("alice", {"chess", "tea"}, R"("events":true)");
  redis.when("compare.lua").times(3).refuse(loading);
  data.rooms["alice"].erase("tea");
  is_interrupted();
  pass(2s);
  EXPECT_THAT(alice.hears(), Contains(R"({"type":"roomRemoved","roomId":"tea"})"));
}

TEST_F(compared, an_answer_of_another_kind_holds_nobody_up) {
  auto& alice = arrives("alice", {"tea"});
  redis.when("compare.lua").give(list(1));
  is_interrupted();
  EXPECT_THAT(log.lines("sessions.not_compared"), Not(IsEmpty()));
  auto const frame = data.say("tea", "bob", "1");
  settle();
  EXPECT_THAT(alice.hears(), ElementsAre(frame));
  redis.publish("ws:1:room:tea", "l 5 alice\n{\"type\":\"userLeft\"}");  // doubts the session
  settle();
  EXPECT_THAT(log.lines("session.not_compared"), Not(IsEmpty()));
  EXPECT_TRUE(alice.is_open());
}

TEST_F(compared, a_client_that_takes_nothing_does_not_keep_the_others_from_hearing) {
  std::string const large(100'000, 'x');
  for (int i = 0; i < 9; ++i) data.keep("tea", "bob", '"' + large + '"');
  auto& slow = connects();
  data.rooms["slow"] = {"garden", "tea"};
  slow.takes(false);
  slow.says(R"({"type":"register","userId":"slow","resume":{"tea":"e:0"}})");
  auto& alice = arrives("alice", {"garden"});
  data.rooms["slow"].erase("garden");
  is_interrupted();
  pass(2s);
  auto const frame = data.say("garden", "bob", R"("not for slow")");
  settle();
  EXPECT_THAT(alice.hears(), ElementsAre(frame));
  slow.takes(true);
  pass(2s);
  EXPECT_THAT(slow.hears(), Not(Contains(frame)));
}

TEST_F(compared, a_doubt_is_kept_at_until_redis_answers) {
  auto& alice = arrives("alice", {"tea"}, R"("events":true)");
  redis.forget();
  redis.when("compare.lua").times(4).refuse(loading);
  data.rooms["alice"].clear();
  redis.publish("ws:1:room:tea", "l 5 alice\n{\"type\":\"userLeft\"}");
  settle();
  EXPECT_THAT(redis.subscribed(), Contains("ws:1:room:tea"));
  pass(1s);
  EXPECT_THAT(alice.hears(), Contains(R"({"type":"roomRemoved","roomId":"tea"})"));
  EXPECT_EQ(redis.count("compare.lua"), 5U);
}

TEST_F(compared, a_room_whose_past_can_not_be_read_is_entered_later) {
  auto& alice = arrives("alice", {}, R"("events":true)");
  data.rooms["alice"].insert("garden");
  auto const frame = data.keep("garden", "bob", "1");
  redis.when("history.lua").times(2).refuse(loading);
  redis.when("room_since.lua").once().refuse(loading);
  is_interrupted();
  EXPECT_THAT(log.lines("session.half_heard"), Not(IsEmpty()));
  pass(2s);
  EXPECT_THAT(alice.hears(), ElementsAre(R"({"type":"roomAdded","roomId":"garden"})", frame));
}

TEST_F(compared, a_room_that_is_left_while_it_is_entered_is_not_heard) {
  auto& alice = arrives("alice", {}, R"("events":true)");
  data.rooms["alice"].insert("garden");
  redis.when("room_since.lua").once().give([this](redis_call const&) {
    data.rooms["alice"].clear();
    return list(0, "", 0);
  });
  is_interrupted();
  pass(1s);
  EXPECT_THAT(alice.hears(), IsEmpty());
  EXPECT_THAT(redis.subscribed(), Not(Contains("ws:1:room:garden")));
}

TEST_F(compared, news_that_come_meanwhile_make_the_question_anew) {
  auto& alice = arrives("alice", {"tea"}, R"("events":true)");
  redis.when("compare.lua").hold();
  redis.publish("ws:1:room:tea", "l 5 alice\n{\"type\":\"userLeft\"}");
  settle();
  data.rooms["alice"].insert("garden");
  redis.publish("ws:1:instance:here", "a alice\n1000001  0 garden");
  redis.release();
  settle();
  EXPECT_GE(redis.count("compare.lua"), 2U);
  EXPECT_THAT(alice.hears(), ElementsAre(R"({"type":"roomAdded","roomId":"garden"})"));
}
