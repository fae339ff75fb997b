// SPDX-License-Identifier: Apache-2.0
// Presence, and clients that watch their friends.
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

class presence : public chat_story {
 protected:
  presence() {
    for (auto const* user : {"bob", "carol"}) people.befriend("alice", user);
    people["bob"].user.username = "bobby";
  }
  // The announcement that reaches the worker when a friend of alice's comes or goes.
  void announce(std::string_view friend_name, bool online) {
    redis.publish("ws:1:instance:here",
                  online ? fmt::format("u alice\n{{\"type\":\"friendOnline\",\"userId\":\"{}\"}}", friend_name)
                         : fmt::format("U alice\n{{\"type\":\"friendOffline\",\"userId\":\"{}\"}}", friend_name));
  }
  std::vector<std::string> presences(chat_client& client) {
    std::vector<std::string> out;
    for (auto& frame : client.hears()) {
      if (frame.starts_with(R"({"type":"presence")")) out.push_back(std::move(frame));
    }
    return out;
  }
};

}  // namespace

TEST_F(presence, friends_are_told_of) {
  auto& alice = arrives("alice");
  data.connections["carol"].insert("c9");
  alice.says(R"({"type":"getOnlineStatus","id":"1"})");
  EXPECT_THAT(alice.hears(),
              ElementsAre(R"({"type":"onlineStatus","id":"1","friends":[)"
                          R"({"id":"bob","username":"bobby","name":"","profileImage":"","isOnline":false},)"
                          R"({"id":"carol","username":"","name":"","profileImage":"","isOnline":true}]})"));
}

TEST_F(presence, strangers_are_nobodys_business) {
  auto& alice = arrives("alice");
  alice.says(R"({"type":"getOnlineStatus","userIds":["dora","bob"]})");
  auto const answer = alice.hears_one("onlineStatus");
  EXPECT_THAT(answer, HasSubstr("bob"));
  EXPECT_THAT(answer, Not(HasSubstr("dora")));
  EXPECT_THAT(answer, Not(HasSubstr("carol"))) << "a user who was not asked for";
}

TEST_F(presence, a_state_that_can_not_be_found_out_is_unavailable) {
  auto& alice = arrives("alice");
  redis.when("SMISMEMBER").once().refuse(loading);
  alice.says(R"({"type":"getOnlineStatus"})");
  people.fault = error{errc::timeout, "the directory is slow"};
  alice.says(R"({"type":"getOnlineStatus"})");
  alice.says(R"({"type":"watchPresence","userIds":["bob"]})");
  auto const heard = alice.hears();
  EXPECT_THAT(heard, testing::SizeIs(3));
  EXPECT_THAT(heard, testing::Each(HasSubstr(R"("code":"unavailable")")));
}

TEST_F(presence, thousands_of_friends_are_asked_for_in_portions) {
  for (int i = 0; i < 600; ++i) people.befriend("alice", fmt::format("f{}", i));
  auto& alice = arrives("alice");
  EXPECT_EQ(redis.count("notify.lua"), 2U) << "and told in portions";
  redis.forget();
  alice.says(R"({"type":"getOnlineStatus"})");
  alice.hears_one("onlineStatus");
  EXPECT_EQ(redis.count("SMISMEMBER"), 3U);
}

TEST_F(presence, a_watch_begins_with_how_it_stands) {
  auto& alice = arrives("alice");
  data.connections["bob"].insert("c9");
  data.last_seen["carol"] = "2026-01-30T12:00:00.000Z";
  alice.says(R"({"type":"watchPresence","id":"1","userIds":["dora","carol","bob","bob"]})");
  EXPECT_THAT(alice.hears(), ElementsAre(R"({"type":"presence","id":"1","users":[{"id":"bob","isOnline":true},)"
                                         R"({"id":"carol","isOnline":false,"lastSeen":"2026-01-30T12:00:00.000Z"}]})"));
}

TEST_F(presence, a_watch_tells_what_changes) {
  auto& alice = arrives("alice");
  data.connections["bob"].insert("c9");
  alice.says(R"({"type":"watchPresence","userIds":["bob","carol"]})");
  alice.hears();
  data.connections["carol"].insert("c8");
  announce("carol", true);
  pass(300ms);
  EXPECT_THAT(presences(alice), ElementsAre(R"({"type":"presence","users":[{"id":"carol","isOnline":true}]})"));
  data.connections["bob"].clear();
  data.last_seen["bob"] = "2026-01-31T12:00:00.000Z";
  announce("bob", false);
  pass(300ms);
  EXPECT_THAT(presences(alice), ElementsAre(R"({"type":"presence","users":[{"id":"bob","isOnline":false,)"
                                            R"("lastSeen":"2026-01-31T12:00:00.000Z"}]})"));
}

TEST_F(presence, no_news_are_not_told) {
  auto& alice = arrives("alice");
  data.connections["bob"].insert("c9");
  alice.says(R"({"type":"watchPresence","userIds":["bob"]})");
  announce("bob", true);
  announce("carol", true);
  redis.publish("ws:1:instance:here", "u alice\n{\"type\":\"friendOnline\"}");
  pass(1s);
  EXPECT_THAT(presences(alice), testing::SizeIs(1)) << "the answer";
}

TEST_F(presence, a_watch_ends_when_nobody_is_named) {
  auto& alice = arrives("alice");
  alice.says(R"({"type":"watchPresence","userIds":["bob"]})");
  alice.says(R"({"type":"watchPresence","id":"2","userIds":[]})");
  EXPECT_THAT(presences(alice), Contains(R"({"type":"presence","id":"2","users":[]})"));
  data.connections["bob"].insert("c9");
  announce("bob", true);
  redis.forget();
  pass(70s);
  EXPECT_THAT(presences(alice), IsEmpty());
  EXPECT_EQ(redis.count("SMISMEMBER"), 0U);
}

TEST_F(presence, a_watch_that_can_not_begin_leaves_the_one_before) {
  auto& alice = arrives("alice");
  alice.says(R"({"type":"watchPresence","userIds":["bob"]})");
  redis.when("SMISMEMBER").once().refuse(loading);
  alice.says(R"({"type":"watchPresence","userIds":["carol"]})");
  EXPECT_THAT(alice.hears(), Contains(HasSubstr(R"("code":"unavailable")")));
  data.connections["bob"].insert("c9");
  data.connections["carol"].insert("c8");
  announce("bob", true);
  pass(1s);
  EXPECT_THAT(presences(alice), ElementsAre(HasSubstr("bob")));
}

TEST_F(presence, news_wait_while_redis_is_away) {
  auto& alice = arrives("alice");
  alice.says(R"({"type":"watchPresence","userIds":["bob"]})");
  presences(alice);
  data.connections["bob"].insert("c9");
  redis.when("SMISMEMBER").once().refuse(loading);
  announce("bob", true);
  pass(500ms);
  EXPECT_THAT(presences(alice), IsEmpty());
  pass(1s);
  EXPECT_THAT(presences(alice), ElementsAre(HasSubstr("bob")));
}

TEST_F(presence, news_wait_for_a_client_that_has_no_room) {
  auto& alice = arrives("alice");
  alice.says(R"({"type":"watchPresence","userIds":["bob"]})");
  alice.hears();
  data.connections["bob"].insert("c9");
  alice.has_room(false);
  announce("bob", true);
  pass(500ms);
  EXPECT_THAT(alice.hears(), IsEmpty());
  alice.has_room(true);
  pass(1500ms);
  EXPECT_THAT(presences(alice), ElementsAre(HasSubstr("bob")));
}

TEST_F(presence, friendships_are_asked_for_once_a_minute) {
  auto& alice = arrives("alice");
  alice.says(R"({"type":"watchPresence","userIds":["bob"]})");
  presences(alice);
  people["alice"].friends.clear();
  pass(61s);
  data.connections["bob"].insert("c9");
  announce("bob", true);
  pass(1s);
  EXPECT_THAT(presences(alice), IsEmpty()) << "they are friends no more";
}

TEST_F(presence, friendships_that_can_not_be_found_out_are_asked_for_again) {
  auto& alice = arrives("alice");
  alice.says(R"({"type":"watchPresence","userIds":["bob"]})");
  people.fault = error{errc::timeout, "the directory is slow"};
  pass(61s);
  people.fault.reset();
  pass(2s);
  data.connections["bob"].insert("c9");
  announce("bob", true);
  pass(1s);
  EXPECT_THAT(presences(alice), Contains(HasSubstr(R"("isOnline":true)")));
}

TEST_F(presence, after_an_interruption_everybody_is_looked_at) {
  auto& alice = arrives("alice");
  alice.says(R"({"type":"watchPresence","userIds":["bob"]})");
  presences(alice);
  redis.cut();
  settle();
  data.connections["bob"].insert("c9");  // announced while nobody listened
  pass(2s);
  EXPECT_THAT(presences(alice), ElementsAre(HasSubstr("bob")));
}

TEST_F(presence, a_client_that_is_gone_watches_nobody) {
  auto& alice = arrives("alice");
  alice.says(R"({"type":"watchPresence","userIds":["bob"]})");
  alice.leaves();
  redis.forget();
  pass(70s);
  EXPECT_EQ(redis.count("SMISMEMBER"), 0U);
}

TEST_F(presence, is_announced_to_friends_or_the_failure_is_reported) {
  EXPECT_TRUE(loop.run(flows.announce(user_id{"alice"}, false)));
  auto const told = redis.calls("notify.lua").back();
  EXPECT_THAT(told.args[3], HasSubstr(R"({"type":"friendOffline","userId":"alice","lastSeen":"2026-01-31T12:00)"));
  redis.when("notify.lua").once().refuse(loading);
  EXPECT_FALSE(loop.run(flows.announce(user_id{"alice"}, true)));
  people.fault = error{errc::timeout, "the directory is slow"};
  EXPECT_FALSE(loop.run(flows.announce(user_id{"alice"}, true)));
  EXPECT_EQ(log.lines("announcement.failed").size(), 2U);
}
