// SPDX-License-Identifier: Apache-2.0
// Rooms are joined and left, by request and by news of other connections.
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

class in_rooms : public chat_story {};

class in_few_rooms : public chat_story {
 protected:
  in_few_rooms() : chat_story({.limits = {.rooms_per_connection = 1}}) {}
};

class in_members_rooms : public chat_story {
 protected:
  in_members_rooms() : chat_story({.rooms = {.by = chat::room_policy_settings::kind::members}}) {}
};

}  // namespace

TEST_F(in_rooms, a_join_is_answered_with_those_who_are_there) {
  data.rooms["bob"] = {"tea"};
  auto& alice = arrives("alice");
  alice.says(R"({"type":"joinRoom","id":"1","roomId":"tea"})");
  EXPECT_THAT(alice.hears(),
              ElementsAre(R"({"type":"joinedRoom","id":"1","roomId":"tea","participants":["alice","bob"],)"
                          R"("participantCount":2,"truncated":false})"));
  auto const asked = redis.calls("join.lua").back();
  EXPECT_EQ(asked.args[2], "1000");
  EXPECT_EQ(asked.args[4], "j alice\n{\"type\":\"userJoined\",\"roomId\":\"tea\",\"userId\":\"alice\"}");
  auto const frame = data.say("tea", "bob", R"("welcome")");
  settle();
  EXPECT_THAT(alice.hears(), ElementsAre(frame));
}

TEST_F(in_rooms, the_room_is_heard_before_redis_is_told_of_the_join) {
  auto& alice = arrives("alice");
  redis.forget();
  alice.says(R"({"type":"joinRoom","roomId":"tea"})");
  EXPECT_THAT(redis.names(), ElementsAre("SUBSCRIBE", "HMGET", "join.lua"));
}

TEST_F(in_rooms, some_of_very_many_are_named) {
  redis.when("join.lua").give(list(5000, data.now_ms, "alice", "bob"));
  auto& alice = arrives("alice");
  alice.says(R"({"type":"joinRoom","roomId":"tea"})");
  EXPECT_THAT(alice.hears_one("joinedRoom"), HasSubstr(R"("participantCount":5000,"truncated":true)"));
  EXPECT_EQ(count.participants_truncated.get(), 1U);
}

TEST_F(in_rooms, a_join_brings_what_the_client_missed) {
  std::vector<std::string> frames;
  for (int i = 1; i <= 3; ++i) frames.push_back(data.keep("tea", "bob", std::to_string(i)));
  auto& alice = arrives("alice");
  alice.says(R"({"type":"joinRoom","roomId":"tea","since":"e:1"})");
  EXPECT_THAT(alice.hears_one("joinedRoom"),
              HasSubstr(fmt::format(R"("messages":[{},{}],"recovered":true)", frames[1], frames[2])));
}

TEST_F(in_rooms, a_join_says_what_is_lost_to_those_who_asked_for_events) {
  data.keep("tea", "bob", "1");
  auto& alice = arrives("alice", {}, R"("events":true)");
  alice.says(R"({"type":"joinRoom","roomId":"tea","since":"before:1"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("recovered":false)"), R"({"type":"gap","roomId":"tea"})"));
}

TEST_F(in_rooms, a_join_that_can_not_be_heard_is_refused_and_left) {
  auto& alice = arrives("alice");
  redis.when("SUBSCRIBE").hold();
  alice.says(R"({"type":"joinRoom","roomId":"tea"})");
  pass(2100ms);
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"unavailable")")));
  EXPECT_EQ(redis.count("join.lua"), 0U);
  redis.release();
  pass(1s);
  EXPECT_THAT(redis.subscribed(), Not(Contains("ws:1:room:tea")));
}

TEST_F(in_rooms, a_join_whose_answer_is_lost_is_found_out_about) {
  auto& alice = arrives("alice", {}, R"("events":true)");
  redis.when("join.lua").once().give([this](redis_call const&) {
    data.rooms["alice"].insert("tea");  // the script has run
    return refusal(loading);
  });
  alice.says(R"({"type":"joinRoom","roomId":"tea"})");
  EXPECT_THAT(alice.hears(),
              ElementsAre(HasSubstr(R"("code":"unavailable")"), R"({"type":"roomAdded","roomId":"tea"})"));
}

TEST_F(in_rooms, a_past_that_can_not_be_read_is_said_and_the_room_is_joined) {
  auto& alice = arrives("alice");
  redis.when("history.lua").once().refuse(loading);
  alice.says(R"({"type":"joinRoom","roomId":"tea","since":"e:1"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"unavailable")")));
  auto const frame = data.say("tea", "bob", "1");
  settle();
  EXPECT_THAT(alice.hears(), ElementsAre(frame));
}

TEST_F(in_few_rooms, one_too_many_is_refused) {
  auto& alice = arrives("alice", {"tea"});
  alice.says(R"({"type":"joinRoom","roomId":"garden"})");
  EXPECT_THAT(alice.hears(),
              ElementsAre(R"({"type":"error","message":"at most 1 rooms per connection; leave one first",)"
                          R"("code":"forbidden"})"));
  EXPECT_EQ(count.rooms_limited.get(), 1U);
  alice.says(R"({"type":"joinRoom","roomId":"tea"})");
  alice.hears_one("joinedRoom");
}

TEST_F(in_members_rooms, strangers_are_refused_and_members_come_in) {
  auto& alice = arrives("alice");
  alice.says(R"({"type":"joinRoom","roomId":"tea"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("only members may enter this room","code":"forbidden")")));
  people["alice"].rooms = {room_id{"tea"}};
  alice.says(R"({"type":"joinRoom","roomId":"tea"})");
  alice.hears_one("joinedRoom");
  EXPECT_EQ(count.room_entries[0].get(), 1U);
  EXPECT_EQ(count.room_entries[1].get(), 1U);
}

TEST_F(in_members_rooms, the_list_of_members_can_be_away_for_a_moment) {
  auto& alice = arrives("alice");
  redis.when("SISMEMBER").refuse(loading);
  alice.says(R"({"type":"joinRoom","roomId":"tea"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr("whether you may enter can't be found out right now")));
  EXPECT_EQ(count.room_entries[2].get(), 1U);
}

TEST_F(in_rooms, a_user_who_leaves_hears_no_more) {
  auto& alice = arrives("alice", {"tea"});
  alice.says(R"({"type":"leaveRoom","id":"1","roomId":"tea"})");
  EXPECT_THAT(alice.hears(), ElementsAre(R"({"type":"leftRoom","id":"1","roomId":"tea"})"));
  EXPECT_THAT(redis.calls("leave.lua").back().args[3],
              "alice\n"
              R"({"type":"userLeft","roomId":"tea","userId":"alice"})");
  EXPECT_THAT(redis.subscribed(), Not(Contains("ws:1:room:tea")));
}

TEST_F(in_rooms, a_leave_that_fails_leaves_the_room_as_redis_has_it) {
  auto& alice = arrives("alice", {"chess", "tea"}, R"("events":true)");
  redis.when("leave.lua").once().refuse(loading);
  alice.says(R"({"type":"leaveRoom","roomId":"tea"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"unavailable")")));
  EXPECT_THAT(redis.subscribed(), Contains("ws:1:room:tea"));
  redis.when("leave.lua").once().give([this](redis_call const&) {
    data.rooms["alice"].erase("tea");
    return refusal(loading);
  });
  alice.says(R"({"type":"leaveRoom","roomId":"tea"})");
  EXPECT_THAT(alice.hears(),
              ElementsAre(HasSubstr(R"("code":"unavailable")"), R"({"type":"roomRemoved","roomId":"tea"})"));
}

TEST_F(in_rooms, news_of_a_room_comes_over_the_bus) {
  auto& alice = arrives("alice", {"tea"}, R"("events":true)");
  // Another connection of the user has joined: this one is subscribed to the room, too.
  data.rooms["alice"].insert("garden");
  redis.publish("ws:1:instance:here", "a alice\n1000000  0 garden");
  settle();
  EXPECT_THAT(alice.hears(), ElementsAre(R"({"type":"roomAdded","roomId":"garden"})"));
  auto const frame = data.say("garden", "bob", "1");
  settle();
  EXPECT_THAT(alice.hears(), ElementsAre(frame));
  // And has left it again.
  data.rooms["alice"].erase("garden");
  redis.publish("ws:1:room:garden", "l 1000001 alice\n{\"type\":\"userLeft\"}");
  settle();
  EXPECT_THAT(alice.hears(), ElementsAre(R"({"type":"roomRemoved","roomId":"garden"})"));
  EXPECT_THAT(redis.subscribed(), Not(Contains("ws:1:room:garden")));
}

TEST_F(in_rooms, news_of_an_earlier_leave_is_checked_with_redis) {
  auto& alice = arrives("alice", {"tea"}, R"("events":true)");
  redis.forget();
  redis.publish("ws:1:room:tea", "l 999999 alice\n{\"type\":\"userLeft\"}");
  settle();
  EXPECT_EQ(redis.count("compare.lua"), 1U);
  EXPECT_THAT(alice.hears(), IsEmpty()) << "the user came back after that";
  EXPECT_THAT(redis.subscribed(), Contains("ws:1:room:tea"));
}

TEST_F(in_rooms, a_room_that_can_not_be_heard_yet_is_tried_again) {
  auto& alice = arrives("alice", {}, R"("events":true)");
  data.rooms["alice"].insert("garden");
  redis.when("SUBSCRIBE").hold();
  redis.publish("ws:1:instance:here", "a alice\n1000000  0 garden");
  pass(2100ms);
  EXPECT_THAT(log.lines("session.half_heard"), Not(IsEmpty()));
  redis.release();
  pass(2s);
  EXPECT_THAT(redis.subscribed(), Contains("ws:1:room:garden"));
  alice.hears();
  auto const frame = data.say("garden", "bob", "1");
  settle();
  EXPECT_THAT(alice.hears(), ElementsAre(frame));
}
