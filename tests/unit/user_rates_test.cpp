// SPDX-License-Identifier: Apache-2.0
#include "chat/user_rates.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hiky;
using chat::user_rate;

struct user_rates : testing::Test {
  chat::user_rates rates{{{{20, 60}, {50, 1000}, {0, 0}, {0, 0}, {0, 0}}}};
  user_id const alice{"alice"}, bob{"bob"};
  int taken(user_id const& who, user_rate kind, int most, std::uint32_t now_ms) {
    int out = 0;
    while (out < most && rates.take(who, kind, now_ms)) ++out;
    return out;
  }
  void tick_all(std::uint32_t now_ms) {
    for (int i = 0; i < 100; ++i) rates.tick(now_ms);
  }
};

TEST_F(user_rates, are_one_bucket_of_each_kind_for_a_user) {
  EXPECT_EQ(taken(alice, user_rate::messages, 1000, 5), 60);
  EXPECT_EQ(taken(alice, user_rate::messages, 1000, 5), 0);
  EXPECT_EQ(taken(bob, user_rate::messages, 1000, 5), 60);
  EXPECT_EQ(taken(alice, user_rate::requests, 5000, 5), 1000);
  EXPECT_EQ(taken(alice, user_rate::messages, 1000, 505), 10) << "half a second later";
}

TEST_F(user_rates, without_a_limit_are_nobodys_memory) {
  EXPECT_EQ(taken(alice, user_rate::refusals, 5000, 5), 5000);
  EXPECT_EQ(rates.remembered(), 0u);
}

TEST_F(user_rates, are_kept_as_long_as_a_bucket_is_not_full) {
  EXPECT_EQ(taken(alice, user_rate::messages, 60, 0), 60);
  rates.charge(alice, user_rate::requests, 10);
  rates.charge(bob, user_rate::requests, 10);
  EXPECT_EQ(rates.remembered(), 1u) << "a bucket from which nothing was taken is full";
  tick_all(2900);
  EXPECT_EQ(rates.remembered(), 1u);
  EXPECT_EQ(taken(alice, user_rate::messages, 60, 2900), 58);
  tick_all(2900 + 3000);
  EXPECT_EQ(rates.remembered(), 0u);
}

TEST_F(user_rates, are_charged_for_large_answers_as_far_as_there_is_more) {
  ASSERT_TRUE(rates.take(alice, user_rate::requests, 1));
  rates.charge(alice, user_rate::requests, 5000);
  EXPECT_FALSE(rates.take(alice, user_rate::requests, 2));
}

TEST_F(user_rates, tell_whether_there_is_one_without_taking_it) {
  EXPECT_TRUE(rates.has(alice, user_rate::messages, 0));
  EXPECT_EQ(rates.remembered(), 0u);
  EXPECT_EQ(taken(alice, user_rate::messages, 60, 0), 60);
  EXPECT_FALSE(rates.has(alice, user_rate::messages, 0));
  EXPECT_TRUE(rates.has(alice, user_rate::messages, 50));
  EXPECT_EQ(taken(alice, user_rate::messages, 60, 50), 1);
}

}  // namespace
