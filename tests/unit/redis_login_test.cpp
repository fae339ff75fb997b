// SPDX-License-Identifier: Apache-2.0
#include "redis/login.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "redis/backoff.hpp"
#include "redis/exchange.hpp"

namespace {

using namespace hiky;
using namespace std::chrono_literals;
using redis::reply;
using testing::EndsWith;
using testing::HasSubstr;

constexpr std::string_view master = "%1\r\n$4\r\nrole\r\n$6\r\nmaster\r\n";
constexpr std::string_view replica = "%1\r\n$4\r\nrole\r\n$7\r\nreplica\r\n";

// The reply to `commands` commands, as bytes of RESP3.
reply from(std::string const& bytes, std::size_t commands) {
  redis::exchange talk;
  redis::request r;
  for (std::size_t i = 0; i < commands; ++i) r.add("X");
  std::optional<result<reply>> answer;
  redis::exchange::done then{[&](result<reply> a) { answer = std::move(a); }};
  EXPECT_TRUE(talk.submit(r, redis::exchange::clock::now(), then));
  auto const room = talk.prepare(bytes.size());
  std::ranges::copy(bytes, room.begin());
  EXPECT_TRUE(talk.commit(bytes.size()));
  EXPECT_TRUE(answer && *answer) << bytes;
  return std::move(**answer);
}

result<redis::login> judged(redis::address const& where, std::string_view hello, std::string_view ping = "+PONG\r\n",
                            std::string info = "role:master\r\nmaster_replid:8371b4fb\r\nmaster_replid2:0000\r\n") {
  auto const bulk = "$" + std::to_string(info.size()) + "\r\n" + info + "\r\n";
  return redis::judge_login(where, from(std::string{hello}.append(ping), 2), from(bulk, 1));
}

}  // namespace

TEST(redis_login, names_the_client_and_asks_for_resp3) {
  EXPECT_EQ(redis::login_request({}).payload(),
            "*4\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$7\r\nSETNAME\r\n$4\r\nhiky\r\n*1\r\n$4\r\nPING\r\n");
}

TEST(redis_login, sends_the_password_and_selects_the_database) {
  redis::address where;
  where.password = "secret";
  where.database = 1;
  EXPECT_THAT(redis::login_request(where).payload(),
              HasSubstr("$4\r\nAUTH\r\n$7\r\ndefault\r\n$6\r\nsecret\r\n$7\r\nSETNAME"));
  EXPECT_THAT(redis::login_request(where).payload(), EndsWith("*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n*1\r\n$4\r\nPING\r\n"));
}

TEST(redis_login, tells_the_role_and_the_history_of_the_data) {
  auto const in = judged({}, master);
  ASSERT_TRUE(in);
  EXPECT_TRUE(in->is_master);
  EXPECT_EQ(in->history, "8371b4fb");
  EXPECT_FALSE(judged({}, replica)->is_master);
  EXPECT_EQ(judged({}, master, "+PONG\r\n", "role:master\r\n")->history, "");
  EXPECT_FALSE(judged({}, "%0\r\n")->is_master);
}

TEST(redis_login, goes_on_without_a_history_where_the_question_was_refused) {
  auto const in = redis::judge_login({}, from(std::string{master} + "+PONG\r\n", 2),
                                     result<reply>{fail(errc::timeout, "no answer")});
  ASSERT_TRUE(in);
  EXPECT_EQ(in->history, "");
}

TEST(redis_login, says_how_to_mend_a_refusal) {
  auto const refused = judged({}, master, "-NOAUTH Authentication required.\r\n");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::server_error);
  EXPECT_THAT(refused.error().text, HasSubstr("refused the login: NOAUTH Authentication required.; put the user"));
  EXPECT_THAT(judged({}, "-WRONGPASS no\r\n").error().text, HasSubstr("; check the user and password"));
  EXPECT_THAT(redis::hint("NOPERM no channel"), HasSubstr("deploy/redis/users.acl"));
  for (auto const* what : {"run this command or subcommand", "publish to the channel mentioned in the command"}) {
    EXPECT_THAT(redis::hint(std::string{"ERR The user executing the script can't "} + what),
                HasSubstr("deploy/redis/users.acl"));
  }
  EXPECT_THAT(redis::hint("ERR DB index is out of range"), HasSubstr("`databases` in redis.conf"));
  EXPECT_EQ(redis::hint("ERR anything else"), "");
}

TEST(redis_login, waits_for_a_redis_that_loads_its_file_and_takes_one_that_cannot_save) {
  EXPECT_THAT(judged({}, master, "-LOADING Redis is loading\r\n").error().text, HasSubstr(": LOADING "));
  EXPECT_TRUE(judged({}, master, "-MISCONF Redis is configured to save\r\n"));
}

TEST(redis_login, takes_no_replica_that_a_sentinel_calls_the_master) {
  redis::address where;
  where.sentinels = {{"sentinel", "26379"}};
  where.master = "chat";
  EXPECT_TRUE(judged(where, master));
  auto const refused = judged(where, replica);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::not_connected);
  EXPECT_THAT(refused.error().text, HasSubstr("says that it is a replica; the next one is asked"));
}

TEST(redis_backoff, waits_longer_from_try_to_try_and_begins_anew_after_a_reset) {
  redis::backoff pauses{7};
  for (int tries = 0; tries < 2; ++tries) {
    for (auto const longest : {50ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 2000ms, 2000ms}) {
      auto const pause = pauses.next();
      EXPECT_GE(pause, longest / 2);
      EXPECT_LE(pause, longest);
    }
    pauses.reset();
  }
}
