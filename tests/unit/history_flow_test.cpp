// SPDX-License-Identifier: Apache-2.0
// Rooms are read back: their history and their participants.
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

class reading : public chat_story {};

}  // namespace

TEST_F(reading, history_brings_the_latest_or_what_stands_beside_a_message) {
  std::vector<std::string> frames;
  for (int i = 1; i <= 5; ++i) frames.push_back(data.keep("tea", "bob", std::to_string(i)));
  auto& alice = arrives("alice", {"tea"});
  auto const page = [&](std::initializer_list<int> which, bool complete) {
    std::string out;
    for (auto i : which) out += (out.empty() ? "" : ",") + frames.at(static_cast<std::size_t>(i - 1));
    return fmt::format(R"({{"type":"history","roomId":"tea","messages":[{}],"complete":{}}})", out, complete);
  };
  alice.says(R"({"type":"history","roomId":"tea","limit":2})");
  EXPECT_THAT(alice.hears(), ElementsAre(page({4, 5}, false)));
  alice.says(R"({"type":"history","roomId":"tea","limit":2,"before":"e:3"})");
  EXPECT_THAT(alice.hears(), ElementsAre(page({1, 2}, true)));
  alice.says(R"({"type":"history","roomId":"tea","limit":2,"after":"e:3"})");
  EXPECT_THAT(alice.hears(), ElementsAre(page({4, 5}, true)));
}

TEST_F(reading, history_of_a_lost_epoch_is_refused) {
  data.keep("tea", "bob", "1");
  auto& alice = arrives("alice", {"tea"});
  alice.says(R"({"type":"history","roomId":"tea","after":"old:1"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr("from before the room's log was lost")));
}

TEST_F(reading, history_is_for_members_as_redis_has_them) {
  auto& alice = arrives("alice", {"tea"}, R"("events":true)");
  redis.forget();
  alice.says(R"({"type":"history","roomId":"garden"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"not_member")")));
  EXPECT_EQ(redis.count("history.lua"), 0U);
  data.rooms["alice"].erase("tea");  // the news of that is on the way
  alice.says(R"({"type":"history","roomId":"tea"})");
  EXPECT_THAT(alice.hears(),
              ElementsAre(HasSubstr(R"("code":"not_member")"), R"({"type":"roomRemoved","roomId":"tea"})"));
}

TEST_F(reading, history_that_can_not_be_read_is_unavailable) {
  auto& alice = arrives("alice", {"tea"});
  redis.when("history.lua").once().refuse(loading);
  alice.says(R"({"type":"history","roomId":"tea"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"unavailable")")));
  redis.when("SISMEMBER").once().refuse(loading);
  alice.says(R"({"type":"history","roomId":"tea"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"unavailable")")));
}

TEST_F(reading, a_client_that_reads_large_pages_waits_between_them) {
  std::string const large(20'000, 'x');
  for (int i = 0; i < 3; ++i) data.keep("tea", "bob", '"' + large + '"');
  auto& alice = arrives("alice", {"tea"});
  for (int i = 0; i < 3; ++i) alice.says(R"({"type":"history","roomId":"tea"})");
  pass(100ms);
  EXPECT_EQ(alice.hears().size(), 3U);
}

TEST_F(reading, participants_come_page_by_page) {
  data.rooms["bob"] = data.rooms["carol"] = {"tea"};
  auto& alice = arrives("alice", {"tea"});
  alice.says(R"({"type":"participants","roomId":"tea","limit":2})");
  auto const first = alice.hears_one("participants");
  EXPECT_THAT(first, HasSubstr(R"("participants":["alice","bob"],"participantCount":3,"cursor":)"));
  auto const cursor = first.substr(first.find("cursor") + 9, first.rfind('"') - first.find("cursor") - 9);
  alice.says(fmt::format(R"({{"type":"participants","roomId":"tea","cursor":"{}"}})", cursor));
  EXPECT_THAT(alice.hears(), ElementsAre(R"({"type":"participants","roomId":"tea","participants":["carol"],)"
                                         R"("participantCount":3})"));
}

TEST_F(reading, participants_are_for_members) {
  auto& alice = arrives("alice", {"tea"});
  alice.says(R"({"type":"participants","roomId":"garden"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"not_member")")));
  alice.says(R"({"type":"participants","roomId":"tea","cursor":"7a7a"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"invalid_argument")")));
  redis.when("SMEMBERS").once().refuse(loading);
  alice.says(R"({"type":"participants","roomId":"tea"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"unavailable")")));
  redis.when("SISMEMBER").once().refuse(loading);
  alice.says(R"({"type":"participants","roomId":"tea"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"unavailable")")));
  data.rooms["alice"].erase("tea");
  alice.says(R"({"type":"participants","roomId":"tea"})");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"not_member")")));
}
