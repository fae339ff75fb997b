// SPDX-License-Identifier: Apache-2.0
// A register is refused: the reasons, and the changes in Redis that are undone.
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

class refused : public chat_story {};

}  // namespace

TEST_F(refused, without_proof_nobody_comes_in) {
  gate.believes = false;
  EXPECT_THAT(registers("alice").hears(),
              ElementsAre(R"({"type":"error","message":"register needs a token","code":"unauthorized"})"));
  EXPECT_THAT(
      says_first(R"({"type":"register","id":"7","token":"made up"})").hears(),
      ElementsAre(R"({"type":"error","message":"the token is not one of ours","code":"unauthorized","id":"7"})"));
  EXPECT_EQ(redis.count("connect.lua"), 0U);
}

TEST_F(refused, a_client_whose_proof_can_not_be_checked_may_try_again) {
  gate.fault = error{errc::timeout, "the key server is slow"};
  EXPECT_THAT(says_first(R"({"type":"register","token":"t"})").hears(),
              ElementsAre(HasSubstr(R"("code":"unavailable","retryable":true)")));
}

TEST_F(refused, a_token_decides_and_no_field_beside_it) {
  gate.tokens.emplace("bobs", auth::identity{user_id{"bob"}});
  EXPECT_THAT(says_first(R"({"type":"register","userId":"alice","token":"bobs"})").hears(),
              ElementsAre(R"({"type":"error","message":"you are 'bob'; userId may be left out","code":"forbidden"})"));
}

TEST_F(refused, the_handshakes_proof_binds_the_connection) {
  gate.believes = false;
  auto& bob = connects();
  bob.session().shown = std::make_unique<auth::identity>(auth::identity{user_id{"bob"}});
  gate.tokens.emplace("alices", auth::identity{user_id{"alice"}});
  bob.says(R"({"type":"register","token":"alices"})");
  EXPECT_THAT(bob.hears(), ElementsAre(HasSubstr("this connection belongs to 'bob'")));
  bob.says(R"({"type":"register"})");
  EXPECT_THAT(bob.hears_one("registered"), HasSubstr(R"("userId":"bob")"));
}

TEST_F(refused, the_handshakes_proof_may_have_expired) {
  auto& bob = connects();
  bob.session().shown = std::make_unique<auth::identity>(auth::identity{user_id{"bob"}});
  bob.session().shown->grant.expiry = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  bob.says(R"({"type":"register"})");
  EXPECT_THAT(bob.hears(), ElementsAre(HasSubstr("what the handshake showed has expired")));
}

TEST_F(refused, a_banned_user_is_told_for_how_long_and_sent_away) {
  data.kept_out["alice"] = 90;
  auto& alice = registers("alice");
  EXPECT_THAT(alice.hears(),
              ElementsAre(R"({"type":"error","message":"an operator keeps this user out; try again in 90 s",)"
                          R"("code":"forbidden"})"));
  EXPECT_EQ(alice.closed_with(), 4403);
  EXPECT_EQ(alice.reason(), "banned by an operator");
  EXPECT_EQ(count.banned.get(), 1U);
  EXPECT_EQ(redis.count("disconnect.lua"), 0U) << "there is nothing to undo";
  EXPECT_THAT(log.lines("session.banned"), Not(IsEmpty()));
}

TEST_F(refused, a_directory_that_is_away_undoes_the_register) {
  people.fault = error{errc::not_connected, "no connection"};
  EXPECT_THAT(registers("alice").hears(), ElementsAre(HasSubstr(R"("code":"unavailable")")));
  EXPECT_EQ(redis.count("disconnect.lua"), 1U) << "Redis may have made the user online all the same";
  people.fault.reset();
  registers("alice");
  EXPECT_TRUE(data.connections["alice"].contains("c2"));
}

TEST_F(refused, a_redis_that_is_silent_is_unavailable_and_undone_when_it_answers) {
  data.rooms["alice"] = {"tea"};
  redis.when("connect.lua").hold();
  auto& alice = registers("alice");
  EXPECT_THAT(alice.hears(), IsEmpty());
  pass(2100ms);
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr("the server can't reach its storage right now")));
  EXPECT_TRUE(alice.is_open());
  redis.release();
  settle();
  EXPECT_THAT(redis.calls("disconnect.lua").back().args, Contains("began"))
      << "messages of the rooms since the connection began may be mail";
  EXPECT_TRUE(data.connections["alice"].empty());
  EXPECT_THAT(redis.subscribed(), ElementsAre("ws:1:instance:here")) << "nobody needs the room any more";
}

TEST_F(refused, a_register_waits_for_the_end_of_the_one_that_failed) {
  redis.when("connect.lua").once().refuse("OOM command not allowed");
  redis.when("disconnect.lua").times(2).refuse("OOM command not allowed");
  auto& alice = registers("alice");
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr("the storage refuses writes right now")));
  alice.says(R"({"type":"register","userId":"alice"})");
  EXPECT_THAT(alice.hears(), IsEmpty());
  pass(1100ms);  // the end has had its third try
  alice.hears_one("registered");
  EXPECT_THAT(redis.names(), Contains("disconnect.lua").Times(3));
}

TEST_F(refused, a_register_does_not_wait_for_an_end_for_ever) {
  redis.when("connect.lua").once().refuse("OOM command not allowed");
  redis.when("disconnect.lua").refuse("OOM command not allowed");
  auto& alice = registers("alice");
  alice.says(R"({"type":"register","userId":"alice"})");
  alice.hears();
  pass(2100ms);
  EXPECT_THAT(alice.hears(), ElementsAre(HasSubstr(R"("code":"unavailable")")));
  EXPECT_EQ(redis.count("connect.lua"), 1U);
}

TEST_F(refused, an_error_that_is_not_the_clients_business_is_internal) {
  redis.when("user_places.lua").refuse(wrong_type);
  EXPECT_THAT(registers("alice").hears(),
              ElementsAre(R"({"type":"error","message":"An error occurred while processing your request",)"
                          R"("code":"internal"})"));
  EXPECT_THAT(log.lines("request.failed"), ElementsAre(HasSubstr("WRONGTYPE")));
}

TEST_F(refused, a_client_that_goes_meanwhile_leaves_nothing_behind) {
  data.rooms["alice"] = {"tea"};
  redis.when("connect.lua").hold();
  auto& alice = registers("alice");
  alice.leaves();
  EXPECT_EQ(redis.count("disconnect.lua"), 0U);
  redis.release();
  settle();
  EXPECT_EQ(redis.count("disconnect.lua"), 1U);
  EXPECT_TRUE(data.connections["alice"].empty());
  EXPECT_THAT(redis.subscribed(), ElementsAre("ws:1:instance:here"));
}
