// SPDX-License-Identifier: Apache-2.0
// A client registers: the frames that it gets, and the calls that Redis gets.
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

class registering : public chat_story {};

}  // namespace

TEST_F(registering, a_user_hears_its_rooms_from_then_on) {
  data.rooms["alice"] = {"chess", "tea"};
  auto& alice = connects("c1");
  alice.says(R"({"type":"register","id":"1","userId":"alice"})");
  EXPECT_THAT(
      alice.hears(),
      ElementsAre(R"({"type":"registered","id":"1","userId":"alice","connectionId":"c1","rooms":["chess","tea"]})"));
  EXPECT_TRUE(alice.is_identified());
  EXPECT_THAT(redis.subscribed(), ElementsAre("ws:1:instance:here", "ws:1:room:chess", "ws:1:room:tea"));
  auto const told = redis.calls("connect.lua");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_THAT(
      std::vector(told[0].args.begin(), told[0].args.begin() + 3),
      ElementsAre("alice", "c1",
                  R"({"instance":"here","since":"2026-01-31T12:00:00.000Z","ip":"192.0.2.1","agent":"a test"})"));
  auto const frame = data.say("tea", "bob", R"("hi")");
  settle();
  EXPECT_THAT(alice.hears(), ElementsAre(frame));
}

TEST_F(registering, the_directorys_rooms_become_the_users) {
  people["alice"].rooms = {room_id{"garden"}};
  data.rooms["alice"] = {"tea"};
  EXPECT_THAT(registers("alice").hears(), ElementsAre(HasSubstr(R"("rooms":["garden","tea"])")));
  EXPECT_TRUE(redis.calls("connect.lua").back().has("garden"));
  EXPECT_THAT(redis.subscribed(), Contains("ws:1:room:garden"));
}

TEST_F(registering, a_client_that_asks_for_events_is_told_of_the_server) {
  auto const heard = registers("alice", R"("events":true)").hears();
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_THAT(heard[0], HasSubstr(R"("serverTime":"1970-01-01T00:16:40.000Z","heartbeat":{"intervalMs":25000,)"
                                  R"("timeoutMs":10000},"largestFrame":1114112,"limits":{"frame":65536,"rooms":512,)"
                                  R"("outbox":1048576,"connections":16,"messages":{"perSecond":20,"burst":60})"));
}

TEST_F(registering, friends_and_rooms_are_told_of_an_arrival) {
  people.befriend("alice", "bob");
  people["alice"].user.name = "Alice";
  data.rooms["alice"] = {"tea"};
  registers("alice");
  auto const told = redis.calls("notify.lua");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].has("bob"));
  EXPECT_TRUE(
      told[0].has(R"({"type":"friendOnline","userId":"alice","user":{"id":"alice","username":"","name":"Alice",)"
                  R"("profileImage":""}})"));
  EXPECT_EQ(redis.count("announce_back.lua"), 0U);
  pass(250ms);
  EXPECT_TRUE(redis.calls("announce_back.lua").back().has("tea"));
  registers("alice");  // a second connection of the same user
  pass(250ms);
  EXPECT_EQ(redis.count("notify.lua"), 1U);
  EXPECT_EQ(redis.count("announce_back.lua"), 1U);
}

TEST_F(registering, nobody_is_told_of_a_page_that_was_reloaded) {
  people.befriend("alice", "bob");
  data.rooms["alice"] = {"tea"};
  data.returning.insert("alice");
  auto& alice = registers("alice");
  pass(1s);
  EXPECT_EQ(redis.count("notify.lua") + redis.count("announce_back.lua"), 0U);
  // Nor is the room told, when the client joins it again.
  alice.says(R"({"type":"joinRoom","roomId":"tea"})");
  EXPECT_EQ(redis.calls("join.lua").back().args[7], "quiet");
}

TEST_F(registering, names_come_from_the_token_where_the_directory_has_none) {
  people.befriend("alice", "bob");
  gate.tokens.emplace("t", auth::identity{user_id{"alice"}, {}, {}, "al", "Alice"});
  says_first(R"({"type":"register","token":"t"})");
  EXPECT_THAT(redis.calls("notify.lua").back().args, Contains(HasSubstr(R"("username":"al","name":"Alice")")));
}

TEST_F(registering, a_connection_too_many_takes_the_place_of_the_oldest) {
  auto& first = arrives("alice");
  redis.publish("ws:1:instance:here", "k alice\n4409 c1 replaced by a newer connection");
  settle();
  EXPECT_EQ(first.closed_with(), 4409);
  EXPECT_EQ(first.reason(), "replaced by a newer connection");
  EXPECT_EQ(count.replaced.get(), 1U);
  EXPECT_EQ(redis.calls("disconnect.lua").back().args[1], "c1");
}

TEST_F(registering, tabs_that_replace_one_another_take_turns) {
  for (int i = 0; i < 17; ++i) data.connections["alice"].insert("elsewhere" + std::to_string(i));
  for (int i = 0; i < 2; ++i) arrives("alice");  // the two replacements at once that a user may have
  auto& third = registers("alice");
  EXPECT_THAT(third.hears(), IsEmpty()) << "it waits until one is due";
  pass(1200ms);
  third.hears_one("registered");
}

TEST_F(registering, a_room_that_came_while_redis_was_asked_is_entered_late) {
  data.rooms["alice"] = {"tea"};
  data.keep("garden", "bob", R"("before you came")");
  redis.when("user_places.lua").once().give(list(data.now_ms, 0));  // Redis knows of no room yet
  auto& alice = connects();
  data.rooms["alice"].insert("garden");
  alice.says(R"({"type":"register","userId":"alice","events":true})");
  auto const heard = alice.hears();
  EXPECT_THAT(heard.at(0), HasSubstr(R"("rooms":["garden","tea"])"));
  EXPECT_THAT(redis.subscribed(), Contains("ws:1:room:garden"));
  EXPECT_GE(redis.count("compare.lua"), 1U);
}

TEST_F(registering, a_room_that_was_left_while_redis_was_asked_is_not_heard) {
  data.rooms["alice"] = {"chess", "tea"};
  redis.when("connect.lua").once().give([this](redis_call const& call) {
    data.rooms["alice"].erase("chess");
    data.connections["alice"].insert(call.args[1]);
    return list(1, 1, 0, data.now_ms, 0, "tea");
  });
  auto& alice = registers("alice");
  EXPECT_THAT(alice.hears_one("registered"), HasSubstr(R"("rooms":["tea"])"));
  EXPECT_THAT(redis.subscribed(), Not(Contains("ws:1:room:chess")));
}

TEST_F(registering, a_connection_registers_once_but_may_renew_what_it_has_shown) {
  gate.tokens.emplace("t", auth::identity{user_id{"alice"}});
  auto& alice = arrives("alice", {"tea"});
  alice.says(R"({"type":"register","resume":{"tea":"e:1"}})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr("this connection is registered already")));
  alice.says(R"({"type":"register","id":"2","token":"t"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("id":"2","userId":"alice")")));
  alice.says(R"({"type":"register"})");
  alice.hears_one("registered");
  EXPECT_EQ(redis.count("connect.lua"), 1U);
}
