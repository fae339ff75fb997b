// SPDX-License-Identifier: Apache-2.0
// Typing: a mark in Redis ends when it must, also under faults.
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

constexpr std::string_view types = R"({"type":"typing","roomId":"tea","isTyping":true})";
constexpr std::string_view stops = R"({"type":"typing","roomId":"tea","isTyping":false})";

class typing : public chat_story {
 protected:
  // The changes of marks that were told to Redis: on, off, expired, lost.
  std::vector<std::string> marks() const {
    std::vector<std::string> out;
    for (auto const& call : redis.calls("typing.lua")) out.push_back(call.args[2]);
    return out;
  }
};

}  // namespace

TEST_F(typing, reaches_redis_and_ends_when_the_client_says_so) {
  auto& alice = arrives("alice", {"tea"});
  alice.says(types);
  EXPECT_EQ(redis.calls("typing.lua").back().args[5],
            "t alice\n{\"type\":\"typing\",\"userId\":\"alice\",\"roomId\":\"tea\",\"isTyping\":true}");
  alice.says(stops);
  EXPECT_THAT(marks(), ElementsAre("on", "off"));
  pass(20s);
  EXPECT_THAT(marks(), ElementsAre("on", "off")) << "there is nothing to end";
}

TEST_F(typing, ends_by_itself_unless_it_is_renewed) {
  auto& alice = arrives("alice", {"tea"});
  alice.says(types);
  pass(6s);
  alice.says(types);
  pass(6s);
  EXPECT_THAT(marks(), ElementsAre("on", "on"));
  pass(5s);
  EXPECT_THAT(marks(), ElementsAre("on", "on", "expired"));
}

TEST_F(typing, a_mark_that_lives_longer_in_redis_is_ended_then) {
  auto& alice = arrives("alice", {"tea"});
  alice.says(types);
  redis.when("typing.lua").once().give(number(3000));  // another connection of the user has renewed it
  pass(10100ms);
  EXPECT_THAT(marks(), ElementsAre("on", "expired"));
  pass(3100ms);
  EXPECT_THAT(marks(), ElementsAre("on", "expired", "expired"));
}

TEST_F(typing, a_mark_that_is_begun_anew_meanwhile_is_not_ended) {
  auto& alice = arrives("alice", {"tea"});
  alice.says(types);
  redis.when("typing.lua").once().give(number(3000));
  pass(10100ms);
  alice.says(types);
  pass(3100ms);
  EXPECT_THAT(marks(), ElementsAre("on", "expired", "on"));
}

TEST_F(typing, its_end_is_kept_at_while_redis_is_away) {
  auto& alice = arrives("alice", {"tea"});
  alice.says(types);
  redis.when("typing.lua").times(3).refuse(loading);
  pass(13s);
  EXPECT_THAT(marks(), ElementsAre("on", "expired", "expired", "expired", "expired"));
}

TEST_F(typing, its_end_is_given_up_where_it_can_not_be) {
  auto& alice = arrives("alice", {"tea"});
  alice.says(types);
  redis.when("typing.lua").refuse(wrong_type);
  pass(12s);
  EXPECT_THAT(marks(), ElementsAre("on", "expired"));
  EXPECT_THAT(log.lines("typing.not_ended"), ElementsAre(HasSubstr("WRONGTYPE")));
}

TEST_F(typing, a_mark_from_before_a_loss_of_data_is_lost) {
  auto& alice = arrives("alice", {"tea"});
  alice.says(types);
  flows.lost();
  pass(11s);
  EXPECT_THAT(marks(), ElementsAre("on", "lost"));
}

TEST_F(typing, a_mark_in_another_room_is_refused) {
  auto& alice = arrives("alice");
  alice.says(types);
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"not_member")")));
  EXPECT_THAT(marks(), IsEmpty());
}

TEST_F(typing, is_refused_when_redis_is_away) {
  auto& alice = arrives("alice", {"tea"});
  redis.when("typing.lua").once().refuse(loading);
  alice.says(types);
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"unavailable")")));
}

TEST_F(typing, ends_with_the_stay_in_the_room) {
  auto& alice = arrives("alice", {"tea"});
  alice.says(types);
  alice.says(R"({"type":"leaveRoom","roomId":"tea"})");
  pass(11s);
  EXPECT_THAT(marks(), ElementsAre("on")) << "leave.lua has ended it";
}
