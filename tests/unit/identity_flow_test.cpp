// SPDX-License-Identifier: Apache-2.0
// A token: its rooms, its renewal and its end.
#include <gmock/gmock.h>

#include "proven_user.hpp"

using namespace std::chrono_literals;
using namespace unit;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

namespace {

class by_token : public proven {
 protected:
  by_token() : proven({.rooms = {.by = chat::room_policy_settings::kind::token}}) {}
};

}  // namespace

TEST_F(proven, a_token_for_some_rooms_opens_those) {
  data.rooms["alice"] = {"garden", "tea"};
  knows("t", only("tea*"));
  auto& alice = comes_with("t");
  EXPECT_THAT(alice.hears_one("registered"), HasSubstr(R"("rooms":["tea"])"));
  EXPECT_THAT(redis.calls("connect.lua").back().args[2], HasSubstr(R"("rooms":["tea*"])"));
  EXPECT_THAT(redis.subscribed(), Not(Contains("ws:1:room:garden")));
  alice.says(R"({"type":"joinRoom","roomId":"garden"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("your token is not for this room","code":"forbidden")")));
  redis.publish("ws:1:instance:here", "a alice\n1000000  0 garden2");
  settle();
  EXPECT_THAT(alice.hears(), IsEmpty()) << "nor does news of a room open it";
}

TEST_F(by_token, a_token_that_names_no_rooms_is_good_for_none) {
  knows("t");
  auto& alice = comes_with("t");
  alice.says(R"({"type":"joinRoom","roomId":"tea"})");
  EXPECT_THAT(alice.hears(), Contains(HasSubstr("your token is not for this room")));
}

TEST_F(proven, a_connection_ends_with_its_token) {
  knows("t", {}, 60s);
  auto& alice = comes_with("t");
  EXPECT_THAT(alice.hears_one("registered"), HasSubstr(R"("expiresAt":"2026-01-31T12:01:00.000Z")"));
  pass(59s);
  EXPECT_TRUE(alice.is_open());
  pass(2s);
  EXPECT_EQ(alice.closed_with(), 4401);
  EXPECT_EQ(alice.reason(), "your token or session has expired; connect again with a new one");
  EXPECT_EQ(count.expired.get(), 1U);
}

TEST_F(proven, a_new_token_puts_the_end_off) {
  knows("t", {}, 60s);
  auto& alice = comes_with("t");
  alice.hears();
  pass(30s);
  knows("t2", {}, 120s);
  alice.says(R"({"type":"refresh","id":"1","token":"t2"})");
  EXPECT_THAT(alice.hears(), ElementsAre(R"({"type":"refreshed","id":"1","expiresAt":"2026-01-31T12:02:30.000Z"})"));
  pass(60s);
  EXPECT_TRUE(alice.is_open());
  knows("t3");
  alice.says(R"({"type":"refresh","token":"t3"})");
  EXPECT_THAT(alice.hears(), ElementsAre(R"({"type":"refreshed"})"));
  pass(600s);
  EXPECT_TRUE(alice.is_open()) << "this one has no end";
}

TEST_F(proven, a_refresh_is_of_the_same_user) {
  knows("t");
  gate.tokens.emplace("bobs", auth::identity{user_id{"bob"}});
  auto& alice = comes_with("t");
  alice.hears();
  alice.says(R"({"type":"refresh","token":"bobs"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr("this connection belongs to 'alice'")));
}

TEST_F(proven, refreshes_have_the_rate_of_messages) {
  knows("t");
  auto& alice = comes_with("t");
  alice.hears();
  for (int i = 0; i < 61; ++i) alice.says(R"({"type":"refresh","token":"t"})");
  EXPECT_THAT(alice.hears(), Contains(HasSubstr("too many requests")));
}

TEST_F(proven, a_token_for_other_rooms_opens_and_closes_them) {
  data.rooms["alice"] = {"garden", "tea"};
  knows("t", only("tea"));
  knows("t2", only("garden"));
  auto& alice = comes_with("t");
  alice.hears();
  alice.says(R"({"type":"refresh","token":"t2"})");
  EXPECT_THAT(alice.hears(), UnorderedElementsAre(HasSubstr("refreshed"), R"({"type":"roomAdded","roomId":"garden"})"));
  EXPECT_THAT(redis.subscribed(), ElementsAre("ws:1:instance:here", "ws:1:room:garden"));
  EXPECT_THAT(redis.calls("connect.lua").back().args[2], HasSubstr(R"("rooms":["garden"])")) << "Redis knows it first";
}

TEST_F(proven, messages_of_a_lost_room_are_owed_until_a_pong_confirms_them) {
  data.rooms["alice"] = {"tea"};
  knows("t");
  knows("t2", only("garden"));
  auto& alice = comes_with("t");
  data.say("tea", "bob", "1");
  settle();
  alice.says(R"({"type":"refresh","token":"t2"})");
  settle();
  EXPECT_THAT(redis.subscribed(), Not(Contains("ws:1:room:tea")));
  alice.leaves();
  auto const ended = redis.calls("disconnect.lua").back();
  EXPECT_TRUE(ended.has("tea")) << "its message was never confirmed";
}

TEST_F(proven, a_renewal_that_redis_does_not_take_yet_is_told) {
  data.rooms["alice"] = {"garden", "tea"};
  knows("t", only("tea"));
  knows("t2", only("garden"));
  auto& alice = comes_with("t");
  alice.hears();
  redis.when("compare.lua").times(2).refuse(loading);
  alice.says(R"({"type":"refresh","id":"1","token":"t2"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"unavailable","id":"1")")));
  pass(1s);
  EXPECT_THAT(alice.hears(), Contains(HasSubstr("roomAdded")));
  redis.when("compare.lua").times(2).refuse(loading);
  alice.says(R"({"type":"register","id":"2","token":"t"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"unavailable","id":"2")")));
}

TEST_F(proven, a_client_that_tries_one_token_after_another_is_sent_away) {
  auto& somebody = connects();
  guesses(somebody, 4);
  EXPECT_TRUE(somebody.is_open());
  guesses(somebody, 1);
  EXPECT_EQ(somebody.closed_with(), 4429);
  EXPECT_EQ(somebody.reason(), "too many tokens that are of no use; get a new one first");
}

TEST_F(proven, while_many_fail_checks_take_turns) {
  knows("t");
  for (int i = 0; i < 30; ++i) guesses(connects(), 4);
  pass(1ms);
  auto& alice = comes_with("t");
  pass(100ms);
  alice.hears_one("registered");
}
