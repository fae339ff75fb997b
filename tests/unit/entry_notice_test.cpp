// SPDX-License-Identifier: Apache-2.0
// A user enters a room by another device or by the HTTP API, and a session here gets a notice of that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/chat_stage.hpp"

using namespace hiky;
using namespace std::chrono_literals;
using namespace support;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

class an_entry_notice : public chat_story {};

TEST_F(an_entry_notice, brings_messages_from_the_log_though_another_session_subscribed_the_room_behind_them) {
  auto& alice = arrives("alice", {}, R"("events":true)");
  auto const frame = data.keep("tea", "carol", R"("said before bob came, and after alice was let in")");
  arrives("bob", {"tea"});
  data.rooms["alice"].insert("tea");
  redis.publish("ws:1:instance:here", "a alice\n1 e 0 tea");
  settle();
  EXPECT_THAT(alice.hears(), ElementsAre(R"({"type":"roomAdded","roomId":"tea"})", frame));
  auto const second = data.say("tea", "bob", R"("and this comes live")");
  settle();
  EXPECT_THAT(alice.hears(), ElementsAre(second));
}

TEST_F(an_entry_notice, tells_nothing_of_a_room_that_is_lost_while_it_is_asked_for) {
  auto& alice = arrives("alice", {}, R"("events":true)");
  data.rooms["alice"].insert("tea");
  redis.when("room_since.lua").hold();
  redis.publish("ws:1:instance:here", "a alice\n1 e 0 tea");
  settle();
  ASSERT_EQ(redis.count("room_since.lua"), 1U);
  data.rooms["alice"].erase("tea");
  redis.release();
  pass(1s);
  EXPECT_THAT(alice.hears(), IsEmpty());
}

}  // namespace
