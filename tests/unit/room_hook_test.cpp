// SPDX-License-Identifier: Apache-2.0
// The application is asked over HTTP whether a user may enter a room; and the policy that decides before that.
#include "chat/room_hook.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chat/room_policy.hpp"
#include "support/chat_data.hpp"
#include "support/chat_people.hpp"
#include "support/http_application.hpp"
#include "support/log_capture.hpp"
#include "support/scripted_redis.hpp"
#include "support/still_loop.hpp"

using namespace hiky;
using namespace std::chrono_literals;
using namespace support;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

chat::user_rates::limits questions_of(float per_s, float burst) {
  chat::user_rates::limits out{};
  out[static_cast<std::size_t>(chat::user_rate::questions)] = {per_s, burst};
  return out;
}

class hooked : public testing::Test {
 protected:
  hooked() {
    redis.when("GET").give(null());
    redis.when("SET").give(ok());
  }
  void TearDown() override { EXPECT_THAT(redis.surprises(), IsEmpty()); }

  void opens(std::chrono::seconds life = 30s, std::size_t at_once = 128, float per_s = 0) {
    rates = std::make_unique<chat::user_rates>(questions_of(per_s, 1));
    chat::room_hook_settings settings{
        .where = *parse_web_address(application.url("/may-enter")), .key = "k3y", .life = life, .at_once = at_once};
    hook = std::make_unique<chat::room_hook>(loop.executor(), settings, redis.address(2), *rates, count);
    loop.until([this] { return redis.connections() > 0; });
    loop.settle();
  }
  result<bool> asks(std::string room = "tea") {
    auto const out = loop.begin(hook->may_join(user_id{"alice"}, room_id{std::move(room)}));
    loop.until([&] { return out->done; });
    return *out->value;
  }

  still_loop loop;
  log_capture log;
  scripted_redis redis{loop.executor()};
  http_application application{loop.executor()};
  chat::counters count;
  std::unique_ptr<chat::user_rates> rates;
  std::unique_ptr<chat::room_hook> hook;
};

class policy : public testing::Test {
 protected:
  policy() {
    client.start();
    loop.until([this] { return client.connected(); });
    loop.settle();
  }
  ~policy() override {
    client.stop();
    loop.settle();
  }
  result<void> judges(chat::room_policy& by) { return loop.run(by.may_join(user_id{"alice"}, room_id{"tea"})); }
  chat::room_policy make(chat::room_policy_settings::kind kind) {
    return {loop.executor(), {.by = kind}, members, people, redis.address(), rates, count};
  }

  still_loop loop;
  log_capture log;
  scripted_redis redis{loop.executor()};
  chat_data data{redis};
  redis::client client{loop.executor(), redis.address()};
  state::members members{client, 1};
  known_people people;
  chat::user_rates rates{chat::user_rates::limits{}};
  chat::counters count;
};

}  // namespace

TEST_F(hooked, the_application_is_told_who_wants_to_enter_what) {
  opens();
  application.answers(204);
  EXPECT_TRUE(*asks());
  ASSERT_THAT(application.questions, SizeIs(1));
  EXPECT_THAT(application.questions[0], HasSubstr("POST /may-enter HTTP/1.1\r\n"));
  EXPECT_THAT(application.questions[0], HasSubstr("Authorization: Bearer k3y\r\n"));
  EXPECT_THAT(application.questions[0], testing::EndsWith("\r\n\r\n"
                                                          R"({"userId":"alice","roomId":"tea","action":"join"})"));
}

TEST_F(hooked, a_yes_is_kept_and_a_no_for_less_long) {
  opens();
  application.answers(200);
  EXPECT_TRUE(*asks());
  EXPECT_THAT(redis.calls("SET").back().args, ElementsAre("hiky:room_hook:5:alice:tea", "1", "EX", "30"));
  EXPECT_EQ(redis.calls("SET").back().database, 2);
  application.answers(403);
  EXPECT_FALSE(*asks());
  EXPECT_THAT(redis.calls("SET").back().args, ElementsAre("hiky:room_hook:5:alice:tea", "0", "EX", "5"));
}

TEST_F(hooked, an_answer_that_is_kept_is_not_asked_for_again) {
  opens();
  redis.when("GET").once().give(text("1"));
  EXPECT_TRUE(*asks());
  redis.when("GET").once().give(text("0"));
  EXPECT_FALSE(*asks());
  EXPECT_THAT(application.questions, IsEmpty());
  EXPECT_EQ(count.room_hook_cached.get(), 2U);
}

TEST_F(hooked, a_cache_that_is_away_stops_nobody) {
  opens();
  application.answers(200);
  redis.when("GET").once().refuse(loading);
  redis.when("SET").once().refuse(loading);
  EXPECT_TRUE(*asks());
}

TEST_F(hooked, without_a_cache_each_entry_is_asked_for) {
  opens(0s);
  application.answers(200);
  EXPECT_TRUE(*asks());
  EXPECT_TRUE(*asks());
  EXPECT_THAT(application.questions, SizeIs(2));
  EXPECT_EQ(redis.count("GET") + redis.count("SET"), 0U);
}

TEST_F(hooked, an_answer_that_is_no_clear_yes_or_no_is_an_error) {
  opens(0s);
  application.answers(500);
  auto const broken = asks();
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, errc::unexpected_reply);
  EXPECT_THAT(broken.error().text, HasSubstr("status 500; expected 200 or 204 for yes, 403 for no"));
  application.hangs_up();
  EXPECT_EQ(asks().error().code, errc::io);
}

TEST_F(hooked, silence_is_an_error_too) {
  opens(0s);
  application.is_silent();
  auto const out = loop.begin(hook->may_join(user_id{"alice"}, room_id{"tea"}));
  loop.until([this] { return !application.questions.empty(); });
  EXPECT_FALSE(out->done);
  loop.pass(2100ms);
  ASSERT_TRUE(out->done);
  EXPECT_EQ(out->value->error().code, errc::timeout);
}

TEST_F(hooked, not_everybody_asks_at_once) {
  opens(0s, 1);
  application.is_silent();
  auto const first = loop.begin(hook->may_join(user_id{"alice"}, room_id{"tea"}));
  loop.until([this] { return !application.questions.empty(); });
  EXPECT_EQ(asks("garden").error().code, errc::overloaded);
  loop.pass(3s);
  EXPECT_TRUE(first->done);
}

TEST_F(hooked, a_user_who_asks_for_many_rooms_waits) {
  opens(0s, 128, 1);
  application.answers(200);
  EXPECT_TRUE(*asks());
  auto const second = loop.begin(hook->may_join(user_id{"alice"}, room_id{"garden"}));
  EXPECT_THAT(application.questions, SizeIs(1));
  loop.pass(1100ms);
  loop.until([&] { return second->done; });
  EXPECT_TRUE(**second->value);
  EXPECT_EQ(count.room_hook_delayed.get(), 1U);
}

TEST_F(hooked, a_user_who_asks_for_very_many_rooms_is_refused) {
  opens(0s, 128, 0.001F);
  application.answers(200);
  EXPECT_TRUE(*asks());
  auto const second = loop.begin(hook->may_join(user_id{"alice"}, room_id{"garden"}));
  loop.pass(2100ms);
  ASSERT_TRUE(second->done);
  EXPECT_EQ(second->value->error().code, errc::overloaded);
}

TEST_F(policy, an_open_room_is_anybodys_and_a_tokens_is_judged_elsewhere) {
  using enum chat::room_policy_settings::kind;
  auto by_anybody = make(open), by_token = make(token);
  EXPECT_TRUE(judges(by_anybody));
  EXPECT_TRUE(judges(by_token));
  EXPECT_TRUE(by_token.by_token());
  EXPECT_FALSE(by_anybody.by_token());
  EXPECT_EQ(by_anybody.cache_counts(), nullptr);
}

TEST_F(policy, members_are_known_to_redis_or_to_the_directory) {
  auto by = make(chat::room_policy_settings::kind::members);
  auto const refused = judges(by);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::invalid_argument);
  EXPECT_EQ(refused.error().text, "only members may enter this room");
  data.rooms["alice"] = {"tea"};
  EXPECT_TRUE(judges(by));
  data.rooms.clear();
  people["alice"].rooms = {room_id{"tea"}};
  EXPECT_TRUE(judges(by));
}

TEST_F(policy, a_membership_that_can_not_be_found_out_is_no_answer) {
  auto by = make(chat::room_policy_settings::kind::members);
  people.fault = error{errc::timeout, "the directory is slow"};
  EXPECT_EQ(judges(by).error().code, errc::timeout);
  redis.when("SISMEMBER").once().refuse(loading);
  EXPECT_EQ(judges(by).error().code, errc::server_error);
  EXPECT_EQ(log.lines("room.unjudged").size(), 2U);
}

TEST_F(hooked, the_policy_says_no_in_words_for_the_user) {
  opens(0s);
  application.answers(403);
  redis::client client{loop.executor(), redis.address()};
  state::members members{client, 1};
  known_people people;
  chat::room_policy_settings settings{
      .by = chat::room_policy_settings::kind::hook,
      .hook = {.where = *parse_web_address(application.url("/may-enter")), .key = {}, .life = 0s}};
  chat::room_policy by{loop.executor(), settings, members, people, redis.address(), *rates, count};
  auto const out = loop.begin(by.may_join(user_id{"alice"}, room_id{"tea"}));
  loop.until([&] { return out->done; });
  EXPECT_EQ(out->value->error().text, "you may not enter this room");
  EXPECT_NE(by.cache_counts(), nullptr);
}
