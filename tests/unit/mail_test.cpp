// SPDX-License-Identifier: Apache-2.0
// Mail that waited for a user comes once, and is deleted only when it has arrived.
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

class mail : public mail_story {};

}  // namespace

TEST_F(mail, comes_oldest_first_and_a_pong_confirms_it) {
  waits(1, 3);
  auto& alice = registers("alice");
  EXPECT_THAT(alice.hears(),
              ElementsAre(HasSubstr("registered"), frame(letter(1) + ',' + letter(2) + ',' + letter(3), 3)));
  EXPECT_EQ(redis.count("mail_confirm.lua"), 0U) << "it may not have arrived";
  alice.pongs();
  ASSERT_EQ(redis.count("mail_confirm.lua"), 1U);
  EXPECT_THAT(redis.calls("mail_confirm.lua")[0].args, ElementsAre("0", "3"));
  EXPECT_EQ(count.offline_delivered.get(), 3U);
}

TEST_F(mail, no_mail_is_no_frame) {
  EXPECT_THAT(registers("alice").hears(), ElementsAre(HasSubstr("registered")));
  EXPECT_EQ(redis.count("mail_claim.lua"), 0U);
}

TEST_F(mail, a_client_may_confirm_by_itself) {
  waits(1, 3);
  auto& alice = registers("alice", R"("ack":true)");
  alice.pongs();
  EXPECT_EQ(redis.count("mail_confirm.lua"), 0U) << "the client has promised to confirm by itself";
  alice.says(R"({"type":"offlineAck","upTo":"e:2"})");
  EXPECT_EQ(redis.calls("mail_confirm.lua").back().args[1], "2");
  alice.says(R"({"type":"offlineAck","upTo":"e:9"})");
  EXPECT_EQ(redis.count("mail_confirm.lua"), 1U) << "the client cannot confirm messages that it never got";
  alice.says(R"({"type":"offlineAck"})");
  EXPECT_EQ(redis.calls("mail_confirm.lua").back().args[1], "1");
  alice.says(R"({"type":"offlineAck"})");
  EXPECT_EQ(redis.count("mail_confirm.lua"), 2U) << "there is nothing left";
}

TEST_F(mail, in_the_documents_order_the_newest_comes_first) {
  waits(1, 2);
  auto& alice = registers("alice", R"("order":"document")");
  EXPECT_THAT(alice.hears(), Contains(frame(letter(2) + ',' + letter(1), 2)));
  alice.says(R"({"type":"offlineAck","upTo":"e:2"})");
  EXPECT_EQ(redis.count("mail_confirm.lua"), 0U);
  alice.pongs();
  EXPECT_EQ(redis.calls("mail_confirm.lua").back().args[1], "2");
}

TEST_F(mail, dropped_messages_are_told_and_confirmed) {
  redis.when("mail_claim.lua").once().give(list(7, "", letter(9)));
  data.mail["alice"] = {letter(9)};
  auto& alice = registers("alice");
  EXPECT_THAT(alice.hears_one("offlineMessages"), HasSubstr(R"("dropped":7)"));
  alice.pongs();
  EXPECT_THAT(redis.calls("mail_confirm.lua").back().args, ElementsAre("7", "1"));
  EXPECT_EQ(count.offline_dropped.get(), 7U);
}

TEST_F(mail, an_entry_that_is_no_message_is_not_shown_and_confirmed_with_the_rest) {
  data.mail["alice"] = {letter(2), "{not json", "[1]", letter(1)};
  auto& alice = registers("alice", R"("ack":true)");
  EXPECT_THAT(alice.hears(), Contains(frame(letter(1) + ',' + letter(2), 2)));
  EXPECT_THAT(log.lines("mail.poison"), ElementsAre(HasSubstr("entries=2")));
  alice.says(R"({"type":"offlineAck","upTo":"e:1"})");
  EXPECT_EQ(redis.calls("mail_confirm.lua").back().args[1], "3") << "an entry that is not shown is confirmed, too";
}

TEST_F(mail, a_message_that_the_log_has_brought_does_not_come_twice) {
  data.rooms["alice"] = {"tea"};
  data.keep("tea", "bob", "1");
  data.keep("tea", "bob", "2");
  waits(1, 2);
  auto& alice = registers("alice", R"("resume":{"tea":"e:0"})");
  EXPECT_THAT(alice.hears(), Not(Contains(HasSubstr("offlineMessages"))));
  alice.pongs();
  EXPECT_EQ(redis.calls("mail_confirm.lua").back().args[1], "2") << "it is confirmed all the same";
}

TEST_F(mail, a_large_mailbox_comes_in_portions) {
  std::string const large(150'000, 'x');
  for (int n = 3; n >= 1; --n)
    data.mail["alice"].push_back(fmt::format(R"({{"roomId":"tea","content":"{}","messageId":"e:{}"}})", large, n));
  auto& alice = connects();
  alice.takes(false);
  alice.says(R"({"type":"register","userId":"alice","ack":true})");
  EXPECT_EQ(alice.hears().size(), 2U) << "the second portion waits until the first has left";
  alice.says(R"({"type":"offlineAck"})");
  alice.takes(true);
  EXPECT_EQ(redis.calls("mail_confirm.lua").back().args[1], "1") << "the confirmation answers the frame that had come";
  EXPECT_EQ(alice.hears().size(), 2U);
}

TEST_F(mail, a_client_that_goes_in_between_gets_no_more_portions) {
  std::string const large(150'000, 'x');
  for (int n = 3; n >= 1; --n)
    data.mail["alice"].push_back(fmt::format(R"({{"roomId":"tea","content":"{}","messageId":"e:{}"}})", large, n));
  auto& alice = connects();
  alice.takes(false);
  alice.says(R"({"type":"register","userId":"alice"})");
  alice.leaves();
  EXPECT_EQ(alice.hears().size(), 2U);
  EXPECT_EQ(redis.count("mail_confirm.lua"), 0U);
  EXPECT_EQ(redis.count("disconnect.lua"), 1U) << "this gives the mail back";
}

TEST_F(mail, a_claim_that_fails_is_made_again) {
  waits(1, 1);
  redis.when("mail_claim.lua").once().refuse(loading);
  auto& alice = registers("alice");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr("registered")));
  EXPECT_THAT(log.lines("mail.unclaimed"), Not(IsEmpty()));
  pass(250ms);
  EXPECT_THAT(alice.hears(), ElementsAre(frame(letter(1), 1)));
}

TEST_F(mail, a_claim_whose_answer_was_lost_is_made_again) {
  waits(1, 1);
  data.in_flight["c1"] = std::exchange(data.mail["alice"], {});  // Redis has taken the claim
  redis.when("connect.lua").once().give(list(1, 1, 1, data.now_ms, 0));
  data.connections["alice"].insert("c1");
  redis.when("mail_claim.lua").once().refuse(loading);
  auto& alice = registers("alice");
  pass(250ms);
  EXPECT_THAT(alice.hears(), Contains(frame(letter(1), 1)));
}

TEST_F(mail, a_broken_mailbox_is_not_asked_again) {
  waits(1, 1);
  redis.when("mail_claim.lua").refuse(wrong_type);
  registers("alice");
  pass(1s);
  EXPECT_EQ(redis.count("mail_claim.lua"), 1U);
}

TEST_F(mail, a_confirmation_that_fails_is_made_up_for_by_a_claim) {
  waits(1, 1);
  redis.when("mail_confirm.lua").once().refuse(loading);
  auto& alice = registers("alice");
  alice.pongs();
  EXPECT_THAT(log.lines("mail.unconfirmed"), Not(IsEmpty()));
  alice.hears();
  pass(250ms);
  EXPECT_EQ(redis.count("mail_claim.lua"), 2U);
  EXPECT_THAT(alice.hears(), IsEmpty()) << "the client has it already";
  alice.pongs();
  EXPECT_TRUE(data.in_flight["c1"].empty());
}

TEST_F(mail, new_mail_of_a_user_who_is_here_is_fetched) {
  auto& alice = registers("alice");
  alice.hears();
  waits(5, 5);
  redis.publish("ws:1:instance:here", "w alice\n");
  settle();
  EXPECT_THAT(alice.hears(), ElementsAre(frame(letter(5), 1)));
  waits(6, 6);
  redis.publish("ws:1:instance:here", "w alice\n");
  settle();
  EXPECT_THAT(alice.hears(), IsEmpty()) << "the earlier mail is not confirmed yet";
  alice.pongs();
  EXPECT_THAT(alice.hears(), ElementsAre(frame(letter(6), 1)));
}

TEST_F(mail, a_message_that_the_bus_is_about_to_bring_does_not_come_by_mail) {
  auto& alice = arrives("alice", {"tea"});
  data.say("tea", "bob", "1");
  settle();
  alice.hears();
  waits(2, 2);
  redis.publish("ws:1:instance:here", "w alice\n");
  pass(1s);
  EXPECT_THAT(alice.hears(), IsEmpty());
  auto const second = data.say("tea", "bob", "2");
  pass(200ms);
  EXPECT_THAT(alice.hears(), ElementsAre(second));
  alice.pongs();
  EXPECT_TRUE(data.in_flight["c1"].empty()) << "the letter is confirmed without being shown";
}
