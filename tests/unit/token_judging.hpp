// SPDX-License-Identifier: Apache-2.0
// Judges tokens at one moment, with one key unless a test names others: taken, or refused with a reason.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "auth/jwt.hpp"
#include "token_maker.hpp"

namespace tokens_of_tests {

using namespace hiky;
using namespace hiky::auth;

inline std::chrono::sys_seconds const now{std::chrono::seconds{1'800'000'000}};
inline std::string const good = R"({"sub":"alice","exp":1800000060})";

inline result<identity> judged(std::string_view token, key_set const& keys = only(key_of(secret)),
                               token_rules const& rules = {}) {
  return judge_token(token, keys, rules, now);
}

inline void takes(std::string_view token, key_set const& keys = only(key_of(secret)), token_rules const& rules = {}) {
  auto const who = judged(token, keys, rules);
  ASSERT_TRUE(who) << who.error().text;
  EXPECT_EQ(who->user, user_id{"alice"});
}

inline void refuses(std::string_view token, std::string_view why, key_set const& keys = only(key_of(secret)),
                    token_rules const& rules = {}, errc code = errc::invalid_argument) {
  auto const who = judged(token, keys, rules);
  ASSERT_FALSE(who) << "the token was taken";
  EXPECT_EQ(who.error().code, code);
  EXPECT_THAT(who.error().text, testing::HasSubstr(std::string{why}));
  EXPECT_THAT(who.error().text, testing::StartsWith("the token is refused: "));
  EXPECT_LE(who.error().text.size(), 123U) << "does not fit into a close frame";
}

}  // namespace tokens_of_tests
