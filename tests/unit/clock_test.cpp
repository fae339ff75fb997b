// SPDX-License-Identifier: Apache-2.0
#include "base/clock.hpp"

#include <gtest/gtest.h>

using namespace hiky;
using namespace std::chrono;

namespace {
std::string at(std::int64_t ms) { return iso8601(system_clock::time_point{milliseconds{ms}}); }
}  // namespace

// The texts that `new Date(ms).toISOString()` prints for the same numbers.
TEST(clock, writes_time_as_javascript_does) {
  EXPECT_EQ(at(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(at(1), "1970-01-01T00:00:00.001Z");
  EXPECT_EQ(at(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(at(951'782'400'000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(at(1'769'860'800'123), "2026-01-31T12:00:00.123Z");
  EXPECT_EQ(at(4'107'542'399'999), "2100-02-28T23:59:59.999Z");
  EXPECT_EQ(at(4'107'542'400'000), "2100-03-01T00:00:00.000Z");
}

TEST(clock, cuts_what_is_finer_than_a_millisecond) {
  EXPECT_EQ(iso8601(system_clock::time_point{duration_cast<system_clock::duration>(microseconds{1'999})}),
            "1970-01-01T00:00:00.001Z");
  EXPECT_EQ(iso8601(system_clock::time_point{duration_cast<system_clock::duration>(microseconds{-1})}),
            "1969-12-31T23:59:59.999Z");
}

TEST(clock, now_is_between_before_and_after) {
  auto const before = iso8601(system_clock::now());
  auto const now = iso8601_now();
  auto const after = iso8601(system_clock::now());
  EXPECT_LE(before, now);
  EXPECT_LE(now, after);
}
