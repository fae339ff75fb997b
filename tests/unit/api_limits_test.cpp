// SPDX-License-Identifier: Apache-2.0
#include "gateway/door/api_limits.hpp"

#include <gtest/gtest.h>

using namespace hiky::gateway;
using namespace std::chrono_literals;

namespace {

peer_address at(char const* text) { return peer_address::parse(text).value(); }
api_limits::clock::time_point const begin = api_limits::clock::now();

void guess(api_limits& limits, peer_address const& from, int times, api_limits::clock::time_point when) {
  for (int i = 0; i < times; ++i) {
    ASSERT_TRUE(limits.may_try(from, "", when)) << i;
    limits.failed(from, when);
  }
}

}  // namespace

TEST(api_limits, gives_each_key_its_own_rate_and_says_when_to_come_again) {
  api_limits limits{{.requests_per_s = 0.25F, .request_burst = 2}};
  EXPECT_TRUE(limits.take("one", begin));
  EXPECT_TRUE(limits.take("one", begin));
  EXPECT_EQ(limits.take("one", begin).error(), 4s);
  EXPECT_TRUE(limits.take("two", begin));
  EXPECT_EQ(limits.take("one", begin + 3s).error(), 1s);
  EXPECT_TRUE(limits.take("one", begin + 4s));
  EXPECT_FALSE(limits.take("one", begin + 4s));
}

TEST(api_limits, lets_a_key_ask_without_end_when_the_rate_is_nought) {
  api_limits limits{{.requests_per_s = 0, .request_burst = 0}};
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(limits.take("one", begin));
}

TEST(api_limits, bounds_guessing_by_address_and_not_by_what_is_guessed) {
  api_limits limits{{.guesses_per_s = 1, .guess_burst = 3}};
  guess(limits, at("192.0.2.7"), 3, begin);
  EXPECT_EQ(limits.may_try(at("192.0.2.7"), "", begin).error(), 1s);
  EXPECT_FALSE(limits.may_try(at("192.0.2.7"), "a right one", begin)) << "or a 429 would show which key is right";
  EXPECT_TRUE(limits.may_try(at("192.0.2.8"), "", begin));
  guess(limits, at("192.0.2.7"), 1, begin + 1s);
  EXPECT_FALSE(limits.may_try(at("192.0.2.7"), "", begin + 1s));
}

TEST(api_limits, counts_an_ipv6_network_as_one_guesser) {
  api_limits limits{{.guesses_per_s = 1, .guess_burst = 2}};
  guess(limits, at("2001:db8::1"), 1, begin);
  guess(limits, at("2001:db8::2"), 1, begin);
  EXPECT_FALSE(limits.may_try(at("2001:db8::3"), "", begin));
  EXPECT_TRUE(limits.may_try(at("2001:db8:0:1::3"), "", begin));
}

TEST(api_limits, lets_a_program_go_on_that_shares_its_address_with_a_guesser) {
  api_limits limits{{.guesses_per_s = 1, .guess_burst = 2}};
  limits.succeeded(at("192.0.2.7"), "office", begin);
  guess(limits, at("192.0.2.7"), 2, begin + 59min);
  EXPECT_TRUE(limits.may_try(at("192.0.2.7"), "office", begin + 59min));
  EXPECT_FALSE(limits.may_try(at("192.0.2.7"), "another", begin + 59min));
}

TEST(api_limits, forgets_guesses_in_time) {
  api_limits limits{{.guesses_per_s = 1, .guess_burst = 2}};
  limits.succeeded(at("192.0.2.7"), "office", begin);
  guess(limits, at("192.0.2.7"), 2, begin);
  guess(limits, at("192.0.2.9"), 2, begin + 3h);
  guess(limits, at("192.0.2.7"), 2, begin + 3h);
  EXPECT_FALSE(limits.may_try(at("192.0.2.7"), "office", begin + 3h)) << "it was last here hours ago";
}
