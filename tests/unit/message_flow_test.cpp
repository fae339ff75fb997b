// SPDX-License-Identifier: Apache-2.0
// A message from a client to its room, and each refusal on the way.
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
using testing::StartsWith;

namespace {

constexpr std::string_view hello = R"({"type":"message","id":"1","roomId":"tea","content":"hello"})";

class saying : public chat_story {
 protected:
  using chat_story::chat_story;
};

}  // namespace

TEST_F(saying, a_message_reaches_the_room_and_its_sender_an_acknowledgement) {
  auto& alice = arrives("alice", {"tea"});
  auto& bob = arrives("bob", {"tea"});
  alice.says(hello);
  EXPECT_THAT(alice.hears(), ElementsAre(R"({"type":"messageAck","id":"1","roomId":"tea","messageId":"e:1",)"
                                         R"("timestamp":"2026-01-31T12:00:00.000Z"})"));
  EXPECT_THAT(bob.hears(), ElementsAre(R"({"type":"message","roomId":"tea","senderId":"alice","content":"hello",)"
                                       R"("timestamp":"2026-01-31T12:00:00.000Z","messageId":"e:1"})"));
  EXPECT_EQ(count.messages_published.get(), 1U);
  EXPECT_EQ(arrivals.size(), 1U) << "the time from client to client can be measured here";
}

TEST_F(saying, without_an_id_there_is_no_acknowledgement) {
  auto& alice = arrives("alice", {"tea"});
  alice.says(R"({"type":"message","roomId":"tea","content":{"any":["json"]},"clientMsgId":"m1"})");
  EXPECT_THAT(alice.hears(), IsEmpty());
  auto const asked = redis.calls("publish.lua").back();
  EXPECT_EQ(asked.args[1], R"({"type":"message","roomId":"tea","senderId":"alice","content":{"any":["json"]},)"
                           R"("clientMsgId":"m1")");
  EXPECT_THAT(asked.keys.back(), StartsWith("ws:dedup:"));
}

TEST_F(saying, a_retry_is_acknowledged_as_a_duplicate) {
  auto& alice = arrives("alice", {"tea"});
  redis.when("publish.lua").once().give(list(2, "e:1", "2026-01-31T11:59:59.000Z"));
  alice.says(R"({"type":"message","id":"1","roomId":"tea","content":1,"clientMsgId":"m1"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("timestamp":"2026-01-31T11:59:59.000Z","duplicate":true)")));
  EXPECT_EQ(count.messages_published.get(), 0U);
}

TEST_F(saying, one_client_msg_id_for_two_contents_is_a_conflict) {
  auto& alice = arrives("alice", {"tea"});
  redis.when("publish.lua").once().give(list(3));
  alice.says(R"({"type":"message","id":"1","roomId":"tea","content":2,"clientMsgId":"m1"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"(a new message needs a new one","code":"conflict","id":"1")")));
}

TEST_F(saying, a_message_to_another_room_is_refused) {
  auto& alice = arrives("alice");
  alice.says(hello);
  EXPECT_THAT(alice.hears(), ElementsAre(R"({"type":"error","message":"you are not in this room; send joinRoom first",)"
                                         R"("code":"not_member","id":"1"})"));
}

TEST_F(saying, a_user_who_was_put_out_of_the_room_learns_it) {
  auto& alice = arrives("alice", {"tea"}, R"("events":true)");
  data.rooms["alice"].clear();
  alice.says(hello);
  EXPECT_THAT(alice.hears(),
              ElementsAre(R"({"type":"roomRemoved","roomId":"tea"})", HasSubstr(R"("code":"not_member")")));
  EXPECT_EQ(redis.count("publish.lua"), 1U);
}

TEST_F(saying, a_redis_that_lost_its_data_is_told_and_asked_again) {
  auto& alice = arrives("alice", {"tea"});
  data.rooms.clear();
  data.connections.clear();
  data.knows_lease = false;
  alice.says(hello);
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr("messageAck")));
  EXPECT_EQ(redis.count("publish.lua"), 2U);
  EXPECT_TRUE(data.rooms["alice"].contains("tea"));
}

TEST_F(saying, while_redis_is_away_the_client_may_try_again) {
  auto& alice = arrives("alice", {"tea"});
  redis.when("publish.lua").once().refuse(loading);
  alice.says(hello);
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"unavailable","id":"1","retryable":true)")));
  redis.when("publish.lua").once().give(list(1, "e:1"));
  alice.says(hello);
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"internal")"))) << "an answer of another kind";
}

TEST_F(saying, a_cut_connection_loses_the_answer_and_no_more) {
  auto& alice = arrives("alice", {"tea"});
  auto& bob = arrives("bob", {"tea"});
  redis.when("publish.lua").once().cut();
  alice.says(hello);
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"unavailable")")));
  pass(1s);
  alice.says(hello);
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr("messageAck")));
  EXPECT_THAT(bob.hears(), ElementsAre(HasSubstr("hello")));
}

TEST_F(saying, messages_into_many_mailboxes_take_turns) {
  auto& alice = arrives("alice", {"tea"});
  redis.when("publish.lua").give([n = 0](redis_call const&) mutable {
    return list(1, fmt::format("e:{}", ++n), "2026-01-31T12:00:00.000Z", 900);
  });
  for (int i = 0; i < 3; ++i) alice.says(hello);
  EXPECT_GE(redis.count("publish.lua"), 2U);
  pass(100ms);
  EXPECT_EQ(alice.hears().size(), 3U);
}

TEST_F(saying, requests_of_one_client_take_effect_in_order) {
  auto& alice = arrives("alice", {"tea"});
  redis.when("publish.lua").hold();
  alice.says(hello);
  alice.says(R"({"type":"leaveRoom","roomId":"tea"})");
  alice.says("not json");
  alice.says(R"({"type":"ping"})");
  EXPECT_THAT(alice.hears(), IsEmpty());
  EXPECT_EQ(redis.count("leave.lua"), 0U);
  redis.release();
  settle();
  EXPECT_THAT(alice.hears(),
              ElementsAre(HasSubstr("messageAck"), HasSubstr("leftRoom"), HasSubstr("bad_json"), R"({"type":"pong"})"));
}

TEST_F(saying, before_register_nothing_is_done) {
  auto& somebody = connects();
  somebody.says(hello);
  EXPECT_THAT(somebody.hears(),
              ElementsAre(R"({"type":"error","message":"send register first","code":"not_registered","id":"1"})"));
  somebody.says(R"({"type":"ping","id":"2"})");
  EXPECT_THAT(somebody.hears(), ElementsAre(R"({"type":"pong","id":"2"})"));
  EXPECT_EQ(redis.count("publish.lua"), 0U);
}

TEST_F(saying, a_message_in_anothers_name_is_refused) {
  auto& alice = arrives("alice", {"tea"});
  alice.says(R"({"type":"message","userId":"bob","roomId":"tea","content":1})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr("this connection is registered as 'alice'")));
  alice.says(R"({"type":"message","id":"1","userId":"alice","roomId":"tea","content":1})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr("messageAck")));
}

TEST_F(saying, a_frame_that_is_no_request_is_refused) {
  auto& alice = arrives("alice");
  alice.says(R"({"type":"dance"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"unknown_type")")));
}

TEST_F(saying, an_exception_ends_the_request_and_not_the_connection) {
  auto& alice = arrives("alice", {"tea"});
  people.throws = true;
  alice.says(R"({"type":"getOnlineStatus"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"internal")")));
  EXPECT_THAT(log.lines("request.failed"), ElementsAre(HasSubstr("a bug")));
  alice.says(hello);
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr("messageAck")));
}

TEST_F(saying, an_answer_of_another_kind_is_internal) {
  people.befriend("alice", "bob");
  auto& alice = arrives("alice", {"tea"});
  redis.when("SMISMEMBER").once().give(list());
  alice.says(R"({"type":"getOnlineStatus","id":"1"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"internal","id":"1")")));
}
