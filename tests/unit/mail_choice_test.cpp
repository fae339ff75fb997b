// SPDX-License-Identifier: Apache-2.0
// Mail for a connection that may read some rooms only.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/chat_stage.hpp"

using namespace hiky;
using namespace std::chrono_literals;
using namespace support;
using testing::Contains;
using testing::ElementsAre;

namespace {

class chosen_mail : public mail_story {};

}  // namespace

TEST_F(chosen_mail, a_connection_for_some_rooms_takes_what_it_may_read) {
  gate.tokens.emplace("t", auth::identity{user_id{"alice"}, {.rooms = std::vector<std::string>{"tea*"}}});
  data.mail["alice"] = {letter(3, "garden"), letter(2, "tea"), letter(1, "teapot")};
  redis.when("mail_claim.lua").once().give(list(0, "", letter(2, "tea"), letter(1, "teapot")));
  auto& alice = says_first(R"({"type":"register","token":"t"})");
  EXPECT_THAT(redis.calls("mail_claim.lua").back().args, ElementsAre("c1", letter(3, "garden"), "3", "1", "2"));
  EXPECT_THAT(alice.hears(), Contains(frame(letter(1, "teapot") + ',' + letter(2, "tea"), 2)));
}

TEST_F(chosen_mail, a_mailbox_that_changes_is_looked_at_again) {
  gate.tokens.emplace("t", auth::identity{user_id{"alice"}, {.rooms = std::vector<std::string>{"tea"}}});
  waits(1, 1);
  redis.when("mail_claim.lua").give(list(0, "", letter(1)));
  redis.when("mail_claim.lua").once().give(list(-1));
  auto& alice = says_first(R"({"type":"register","token":"t"})");
  EXPECT_EQ(redis.count("LRANGE"), 2U);
  EXPECT_THAT(alice.hears(), Contains(frame(letter(1), 1)));
}

TEST_F(chosen_mail, a_mailbox_that_changes_each_time_is_left_for_later) {
  gate.tokens.emplace("t", auth::identity{user_id{"alice"}, {.rooms = std::vector<std::string>{"tea"}}});
  waits(1, 1);
  redis.when("mail_claim.lua").give(list(0, "", letter(1)));
  redis.when("mail_claim.lua").times(5).give(list(-1));
  auto& alice = says_first(R"({"type":"register","token":"t"})");
  EXPECT_EQ(redis.count("mail_claim.lua"), 5U);
  alice.hears();
  pass(250ms);
  EXPECT_THAT(alice.hears(), ElementsAre(frame(letter(1), 1)));
}

TEST_F(chosen_mail, a_mailbox_that_can_not_be_looked_at_is_claimed_later) {
  gate.tokens.emplace("t", auth::identity{user_id{"alice"}, {.rooms = std::vector<std::string>{"tea"}}});
  waits(1, 1);
  redis.when("mail_claim.lua").give(list(0, "", letter(1)));
  redis.when("LRANGE").once().refuse(loading);
  says_first(R"({"type":"register","token":"t"})");
  EXPECT_EQ(redis.count("mail_claim.lua"), 0U);
  pass(250ms);
  EXPECT_EQ(redis.count("mail_claim.lua"), 1U);
}
