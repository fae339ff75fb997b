// SPDX-License-Identifier: Apache-2.0
// A client comes back and names its last messages: the log brings the rest, or a gap tells the loss.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/chat_stage.hpp"

using namespace hiky;
using namespace std::chrono_literals;
using namespace support;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

class resuming : public chat_story {
 protected:
  resuming() {
    data.rooms["alice"] = {"tea"};
    for (int i = 1; i <= 4; ++i) frames.push_back(data.keep("tea", "bob", std::to_string(i)));
  }
  chat_client& comes_back(std::string_view resume) { return registers("alice", fmt::format(R"("resume":{})", resume)); }
  // The pages of the log that the client's resume asks for. The bus asks for pages, too, with a size of its own.
  std::size_t questions() const {
    auto const calls = redis.calls("history.lua");
    return static_cast<std::size_t>(std::ranges::count_if(calls, has("1200")));
  }
  std::vector<std::string> frames;
};

// Messages of which one is almost as large as a page of the log.
class resuming_much : public chat_story {
 protected:
  resuming_much() {
    data.rooms["alice"] = {"tea"};
    std::string const large(100'000, 'x');
    for (int i = 1; i <= 9; ++i) frames.push_back(data.keep("tea", "bob", fmt::format("\"{}{}\"", large, i)));
  }
  chat_client& comes_back() { return registers("alice", R"("resume":{"tea":"e:0"})"); }
  std::vector<std::string> frames;
};

}  // namespace

TEST_F(resuming, messages_since_then_come_behind_the_answer) {
  auto const heard = comes_back(R"({"tea":"e:2"})").hears();
  ASSERT_EQ(heard.size(), 3U);
  EXPECT_THAT(heard[0], HasSubstr(R"("resumed":{"tea":{"recovered":true,"count":2}})"));
  EXPECT_EQ(heard[1], frames[2]);
  EXPECT_EQ(heard[2], frames[3]);
}

TEST_F(resuming, a_message_that_comes_meanwhile_waits_and_comes_once) {
  redis.when("history.lua").hold();
  auto& alice = comes_back(R"({"tea":"e:3"})");
  auto const fifth = data.say("tea", "bob", "5");
  settle();
  EXPECT_THAT(alice.hears(), IsEmpty());
  redis.release();
  settle();
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("count":2)"), frames[3], fifth));
}

TEST_F(resuming, messages_that_are_gone_are_a_gap) {
  data.logs["tea"].kept.erase(data.logs["tea"].kept.begin(), data.logs["tea"].kept.begin() + 3);
  EXPECT_THAT(comes_back(R"({"tea":"e:1"})").hears(),
              ElementsAre(HasSubstr(R"("recovered":false,"count":1)"),
                          R"({"type":"gap","roomId":"tea","from":2,"to":3})", frames[3]));
  EXPECT_EQ(count.unrecovered.get(), 1U);
}

TEST_F(resuming, a_log_that_is_gone_altogether_is_a_gap_to_its_end) {
  data.logs["tea"].kept.clear();
  EXPECT_THAT(comes_back(R"({"tea":"e:1"})").hears(), ElementsAre(HasSubstr(R"("recovered":false,"count":0)"),
                                                                  R"({"type":"gap","roomId":"tea","from":2,"to":4})"));
}

TEST_F(resuming, after_another_epoch_everything_that_is_here_comes) {
  EXPECT_THAT(comes_back(R"({"tea":"before:3"})").hears(),
              ElementsAre(HasSubstr(R"("recovered":false,"count":4)"), R"({"type":"gap","roomId":"tea"})", frames[0],
                          frames[1], frames[2], frames[3]));
  EXPECT_EQ(questions(), 2U) << "the first answer was about the messages behind 3";
}

TEST_F(resuming, redis_may_have_lost_what_the_client_has) {
  EXPECT_THAT(comes_back(R"({"tea":"e:9"})").hears(),
              ElementsAre(HasSubstr(R"("recovered":false,"count":0)"), R"({"type":"gap","roomId":"tea"})"));
}

TEST_F(resuming, nothing_comes_of_anothers_room) {
  data.keep("garden", "bob", R"("secret")");
  EXPECT_THAT(comes_back(R"({"garden":"e:0"})").hears(),
              ElementsAre(HasSubstr(R"("resumed":{"garden":{"recovered":false,"count":0}})"), HasSubstr("gap")));
  EXPECT_EQ(questions(), 0U);
}

TEST_F(resuming, more_than_one_answer_brings_is_left_to_history) {
  for (int i = 5; i <= 1203; ++i) data.keep("tea", "bob", std::to_string(i));
  auto const heard = comes_back(R"({"tea":"e:2"})").hears();
  EXPECT_THAT(heard.at(0), HasSubstr(R"("recovered":false,"count":1200)"));
  EXPECT_EQ(heard.at(1), R"({"type":"gap","roomId":"tea","from":1203,"to":1203})");
  EXPECT_EQ(heard.size(), 1202U);
}

TEST_F(resuming, a_log_that_can_not_be_read_is_no_guess) {
  people.befriend("alice", "bob");
  redis.when("history.lua", has("1200")).once().refuse(loading);
  auto& alice = comes_back(R"({"tea":"e:2"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"unavailable")")));
  EXPECT_EQ(redis.count("notify.lua"), 1U) << "friends who hear of the end have heard of the arrival";
  EXPECT_EQ(redis.count("disconnect.lua"), 1U);
  alice.says(R"({"type":"register","userId":"alice","resume":{"tea":"e:2"}})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("count":2)"), frames[2], frames[3]));
}

TEST_F(resuming, an_earlier_connection_is_named_to_the_mailbox) {
  data.mail["alice"] = {R"({"type":"message","roomId":"tea","content":4,"messageId":"e:4"})"};
  auto& alice = connects("c2");
  redis.when("mail_claim.lua").once().give(list(0, "e 1 4\nspoilt\n", data.mail["alice"][0]));
  alice.says(R"({"type":"register","userId":"alice","connectionId":"c1","resume":{"tea":"e:4"}})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr("registered"))) << "the client has all of it";
  EXPECT_EQ(redis.calls("mail_claim.lua").back().keys.back(), "ws:given:alice:c1");
}

TEST_F(resuming_much, large_logs_come_in_portions_as_the_client_takes_them) {
  auto& alice = connects("c1");
  alice.takes(false);
  alice.says(R"({"type":"register","userId":"alice","resume":{"tea":"e:0"}})");
  auto const beginning = alice.hears();
  EXPECT_LT(beginning.size(), 6U) << "not all of it waits in the outbox";
  alice.takes(true);
  pass(1s);
  auto all = beginning;
  for (auto& frame : alice.hears()) all.push_back(std::move(frame));
  ASSERT_EQ(all.size(), 10U);
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(all[i + 1] == frames[i]) << i;
}

TEST_F(resuming_much, messages_that_go_from_the_log_meanwhile_are_a_gap) {
  auto& alice = connects("c1");
  alice.takes(false);
  alice.says(R"({"type":"register","userId":"alice","resume":{"tea":"e:0"}})");
  pass(100ms);
  auto& kept = data.logs["tea"].kept;
  kept.erase(kept.begin(), kept.begin() + 8);
  alice.takes(true);
  pass(1s);
  auto const heard = alice.hears();
  EXPECT_TRUE(heard.back() == frames[8]);
  EXPECT_THAT(heard[heard.size() - 2], testing::MatchesRegex(R"(\{"type":"gap","roomId":"tea","from":[5-7],"to":8\})"));
}

TEST_F(resuming_much, a_log_that_is_lost_meanwhile_is_a_gap_to_the_end) {
  auto& alice = connects("c1");
  alice.takes(false);
  alice.says(R"({"type":"register","userId":"alice","resume":{"tea":"e:0"}})");
  pass(100ms);
  data.logs["tea"] = {.epoch = "another"};
  alice.takes(true);
  pass(1s);
  EXPECT_THAT(alice.hears().back(), testing::MatchesRegex(R"(\{"type":"gap","roomId":"tea","from":[5-7],"to":9\})"));
}

TEST_F(resuming_much, a_log_that_can_not_be_read_on_ends_the_connection) {
  auto& alice = connects("c1");
  alice.takes(false);
  alice.says(R"({"type":"register","userId":"alice","resume":{"tea":"e:0"}})");
  pass(100ms);
  redis.when("history.lua").refuse(loading);
  alice.takes(true);
  pass(1s);
  EXPECT_EQ(alice.closed_with(), 1013);
  EXPECT_EQ(alice.reason(), "what you missed can't be read right now; connect again");
}

TEST_F(resuming_much, a_client_that_goes_meanwhile_is_read_nothing_more) {
  auto& alice = connects("c1");
  alice.takes(false);
  alice.says(R"({"type":"register","userId":"alice","resume":{"tea":"e:0"}})");
  pass(100ms);
  auto const before = redis.count("history.lua");
  alice.leaves();
  pass(1s);
  EXPECT_EQ(redis.count("history.lua"), before);
  EXPECT_EQ(redis.count("disconnect.lua"), 1U);
}
