// SPDX-License-Identifier: Apache-2.0
#include "base/histogram.hpp"

#include <gtest/gtest.h>

using hiky::histogram;
using namespace std::chrono_literals;

TEST(histogram, an_observation_is_in_the_first_bucket_whose_bound_it_does_not_exceed) {
  for (std::size_t i = 0; i < histogram::bounds; ++i) {
    std::chrono::nanoseconds const bound{histogram::bounds_ns[i]};
    histogram h;
    h.observe(bound);
    h.observe(bound + 1ns);
    EXPECT_EQ(h.in_bucket(i), 1U) << i;
    EXPECT_EQ(h.in_bucket(i + 1), 1U) << i;
  }
}

TEST(histogram, nothing_is_lost_at_either_end) {
  histogram h;
  for (auto const took : {-5ns, 0ns, 1ns, std::chrono::nanoseconds{1h}}) h.observe(took);
  EXPECT_EQ(h.in_bucket(0), 3U);
  EXPECT_EQ(h.in_bucket(histogram::bounds), 1U);
  EXPECT_NEAR(h.sum_s(), 3600, 1e-6);
}

TEST(histogram, bounds_rise) {
  for (std::size_t i = 1; i < histogram::bounds; ++i) EXPECT_LT(histogram::bound_s(i - 1), histogram::bound_s(i));
}
