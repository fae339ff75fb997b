// SPDX-License-Identifier: Apache-2.0
// Too much of anything: some requests are refused, some wait, and some end the connection.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/chat_stage.hpp"

using namespace hiky;
using namespace std::chrono_literals;
using namespace support;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

namespace {

class within_limits : public chat_story {
 protected:
  within_limits()
      : chat_story({.limits = {.backlog = 4,
                               .backlog_bytes = 400,
                               .messages_per_s = 1,
                               .message_burst = 2,
                               .typing_per_s = 1,
                               .typing_burst = 2,
                               .requests_per_s = 1,
                               .request_burst = 7,
                               .refusals_per_s = 1,
                               .refusal_burst = 20,
                               .ending_bytes = 300}}) {}
  static constexpr std::string_view hello = R"({"type":"message","id":"1","roomId":"tea","content":1})";
};

}  // namespace

TEST_F(within_limits, messages_have_a_rate) {
  auto& alice = arrives("alice", {"tea"});
  for (int i = 0; i < 3; ++i) alice.says(hello);
  EXPECT_THAT(alice.hears(),
              ElementsAre(HasSubstr("messageAck"), HasSubstr("messageAck"),
                          R"({"type":"error","message":"at most 1 messages per second","code":"rate_limited",)"
                          R"("id":"1","retryable":true})"));
  pass(1s);
  alice.says(hello);
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr("messageAck")));
  EXPECT_EQ(count.rate_limited[0].get(), 1U);
}

TEST_F(within_limits, requests_have_a_rate_which_all_connections_of_a_user_share) {
  auto& alice = arrives("alice");
  auto& again = arrives("alice");
  for (int i = 0; i < 4; ++i) alice.says(R"({"type":"ping"})");
  for (int i = 0; i < 4; ++i) again.says(R"({"type":"ping"})");
  auto heard = alice.hears();
  for (auto& frame : again.hears()) heard.push_back(std::move(frame));
  EXPECT_THAT(heard, Contains(R"({"type":"pong"})").Times(5)) << "each register is a request";
  EXPECT_THAT(heard, Contains(HasSubstr("at most 1 requests per second")).Times(3));
}

TEST_F(within_limits, hints_over_the_rate_are_dropped_unsaid) {
  auto& alice = arrives("alice", {"tea"});
  for (int i = 0; i < 4; ++i) alice.says(R"({"type":"typing","roomId":"tea","isTyping":true})");
  EXPECT_EQ(redis.count("typing.lua"), 2U);
  alice.says(R"({"type":"typing","roomId":"tea","isTyping":false})");
  EXPECT_EQ(redis.count("typing.lua"), 3U) << "an end that was begun is always told";
  EXPECT_THAT(alice.hears(), IsEmpty());
  for (int i = 0; i < 4; ++i) alice.says(R"({"type":"typing","roomId":"tea","isTyping":true})");
  EXPECT_THAT(alice.hears(), IsEmpty()) << "nor are hints over the rate of requests answered";
  EXPECT_GE(count.rate_limited[2].get(), 1U);
}

TEST_F(within_limits, a_large_answer_counts_as_several_requests) {
  for (int i = 0; i < 10; ++i) data.keep("tea", "bob", '"' + std::string(9'000, 'x') + '"');
  auto& alice = arrives("alice", {"tea"});
  alice.says(R"({"type":"history","roomId":"tea"})");
  alice.hears_one("history");
  for (int i = 0; i < 2; ++i) alice.says(R"({"type":"ping"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr("pong"), HasSubstr("rate_limited")))
      << "the answer counts as four requests";
}

TEST_F(within_limits, a_client_that_is_refused_too_often_is_not_read_for_a_moment) {
  auto& alice = arrives("alice", {"tea"});
  for (int i = 0; i < 16; ++i) alice.says("nonsense");
  EXPECT_FALSE(alice.is_listened_to());
  EXPECT_EQ(count.rests.get(), 1U);
  EXPECT_THAT(alice.hears(), SizeIs(16));
  alice.says(hello);  // was under way
  EXPECT_THAT(alice.hears(), IsEmpty());
  pass(100ms);
  EXPECT_TRUE(alice.is_listened_to());
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr("messageAck")));
}

TEST_F(within_limits, a_client_that_goes_on_all_the_same_is_sent_away) {
  auto& alice = arrives("alice", {"tea"});
  for (int i = 0; i < 30 && alice.is_open(); ++i) {
    alice.says("nonsense");
    pass(20ms);
  }
  EXPECT_EQ(alice.closed_with(), 4429);
  EXPECT_EQ(alice.reason(), "too many refused requests; send less");
  EXPECT_EQ(count.flooding_closed.get(), 1U);
  EXPECT_EQ(redis.count("disconnect.lua"), 1U);
}

TEST_F(within_limits, a_stranger_is_counted_by_its_connection) {
  auto& somebody = connects();
  for (int i = 0; i < 30 && somebody.is_open(); ++i) {
    somebody.says(hello);
    pass(20ms);
  }
  EXPECT_EQ(somebody.closed_with(), 4429);
  EXPECT_EQ(redis.count("disconnect.lua"), 0U);
}

TEST_F(within_limits, pings_without_end_count_as_refusals) {
  auto& alice = arrives("alice");
  flows.pinged(alice.session(), 16 * 40);
  settle();
  EXPECT_EQ(alice.closed_with(), 4429);
}

TEST_F(within_limits, a_message_that_is_too_large_is_named_if_it_can_be) {
  auto& alice = arrives("alice");
  flows.oversized(alice.session(), R"({"type":"message","id":"42","content":"xxxxxxxx)");
  EXPECT_THAT(alice.hears(), ElementsAre(R"({"type":"error","message":"a message may have 65536 bytes at most; send )"
                                         R"(smaller ones","code":"too_large","id":"42"})"));
}

TEST_F(within_limits, a_full_backlog_is_not_read_until_it_is_half_done) {
  auto& alice = arrives("alice", {"tea"});
  redis.when("publish.lua").hold();
  alice.says(hello);
  for (int i = 0; i < 3; ++i) alice.says(R"({"type":"ping"})");
  EXPECT_TRUE(alice.is_listened_to());
  alice.says(R"({"type":"ping"})");
  EXPECT_FALSE(alice.is_listened_to());
  EXPECT_EQ(count.full_backlogs.get(), 1U);
  redis.release();
  settle();
  EXPECT_TRUE(alice.is_listened_to());
  EXPECT_THAT(alice.hears(), Contains(R"({"type":"pong"})").Times(4));
}

TEST_F(within_limits, requests_from_before_a_close_are_done) {
  auto& alice = arrives("alice", {"tea"});
  redis.when("publish.lua").hold();
  alice.says(hello);
  alice.says(R"({"type":"leaveRoom","roomId":"tea"})");
  alice.leaves();
  EXPECT_EQ(redis.count("disconnect.lua"), 0U);
  redis.release();
  settle();
  EXPECT_EQ(redis.count("leave.lua"), 1U);
  EXPECT_EQ(redis.count("disconnect.lua"), 1U) << "and then its end";
}

TEST_F(within_limits, a_worker_remembers_so_many_requests_of_closed_clients_and_no_more) {
  std::string const padding(150, ' ');
  auto& dora = arrives("dora", {"tea"});
  auto& emil = arrives("emil", {"tea"});
  redis.when("publish.lua").hold();
  for (auto* one : {&dora, &emil}) {
    one->says(hello);
    one->says(R"({"type":"leaveRoom","roomId":"tea"})" + padding);
    one->leaves();
  }
  EXPECT_THAT(log.lines("session.requests_dropped"), ElementsAre(HasSubstr("user=emil")));
  EXPECT_EQ(count.requests_dropped.get(), 1U);
  redis.release();
  settle();
  EXPECT_EQ(redis.count("leave.lua"), 1U);
  EXPECT_EQ(redis.count("disconnect.lua"), 2U);
}

TEST_F(within_limits, a_client_that_we_end_gets_nothing_more_done) {
  auto& alice = arrives("alice", {"tea"});
  redis.when("publish.lua").hold();
  alice.says(hello);
  alice.says(R"({"type":"leaveRoom","roomId":"tea"})");
  alice.session().close(4403, "disconnected by an operator");
  redis.release();
  settle();
  EXPECT_EQ(redis.count("leave.lua"), 0U);
  EXPECT_EQ(redis.count("disconnect.lua"), 1U);
}
