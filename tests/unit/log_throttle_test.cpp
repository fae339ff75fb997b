// SPDX-License-Identifier: Apache-2.0
#include "base/log_throttle.hpp"

#include <gtest/gtest.h>

namespace {

using hiky::log::throttle;

int written(throttle& t, std::string_view kind, int times, std::uint32_t now_ms) {
  int out = 0;
  for (int i = 0; i < times; ++i) out += t.lets(kind, now_ms) ? 1 : 0;
  return out;
}

TEST(log_throttle, writes_a_hundred_lines_of_a_kind_at_once_and_five_a_second) {
  throttle t;
  EXPECT_EQ(written(t, "room.unjudged", 1000, 0), 100);
  EXPECT_EQ(written(t, "room.unjudged", 1000, 2'000), 10);
}

TEST(log_throttle, hides_no_other_kind_behind_a_flood) {
  throttle t;
  written(t, "room.unjudged", 1000, 0);
  EXPECT_TRUE(t.lets("redis.lost", 0));
}

TEST(log_throttle, counts_what_it_left_out_and_tells_it_every_five_seconds) {
  throttle t;
  EXPECT_TRUE(t.take_omissions(0).empty());
  written(t, "a.b", 101, 1'000);
  auto const first = t.take_omissions(1'000);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].noun_verb, "a.b");
  EXPECT_EQ(first[0].lines, 1U);
  written(t, "a.b", 7, 1'000);
  written(t, "c.d", 103, 1'000);
  EXPECT_TRUE(t.take_omissions(5'000).empty());
  auto const second = t.take_omissions(6'100);
  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(second[0].lines, 7U);
  EXPECT_EQ(second[1].lines, 3U);
  EXPECT_TRUE(t.take_omissions(20'000).empty());
}

}  // namespace
