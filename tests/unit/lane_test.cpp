// SPDX-License-Identifier: Apache-2.0
#include "chat/requests/lane.hpp"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <vector>

#include "support/still_loop.hpp"

using namespace hiky;
using namespace std::chrono_literals;
using chat::lane;

namespace {

struct piece {
  lane::clock::time_point began, ended;
};

class one_lane : public testing::Test {
 protected:
  // Work that takes `length`, or work that never ends.
  void work(std::chrono::milliseconds length, bool leaves = true) {
    asio::co_spawn(
        loop.io(),
        [this, length, leaves]() -> task<> {
          auto const turn = co_await way.enter();
          auto const began = lane::clock::now();
          asio::steady_timer timer{loop.io(), length};
          co_await timer.async_wait(use_task);
          done.push_back({began, lane::clock::now()});
          if (leaves) way.leave(turn);
        },
        asio::detached);
  }
  void all_is_done() { loop.pass(1s, 1000); }

  support::still_loop loop;
  lane way{loop.executor()};
  std::vector<piece> done;
};

}  // namespace

TEST_F(one_lane, one_at_a_time_with_as_long_a_pause_behind_each) {
  for (int i = 0; i < 4; ++i) work(5ms);
  all_is_done();
  ASSERT_EQ(done.size(), 4U);
  for (std::size_t i = 1; i < done.size(); ++i) {
    auto const took = done[i - 1].ended - done[i - 1].began;
    EXPECT_GE(done[i].began - done[i - 1].ended, std::min<lane::clock::duration>(took, lane::longest) - 1ms);
  }
}

TEST_F(one_lane, nobody_waits_when_it_is_free) {
  auto const began = lane::clock::now();
  work(0ms);
  all_is_done();
  EXPECT_EQ(done.at(0).began, began);
}

TEST_F(one_lane, a_turn_that_takes_too_long_does_not_hold_up_the_next) {
  work(300ms);
  work(1ms);
  all_is_done();
  ASSERT_EQ(done.size(), 2U);
  EXPECT_LT(done[0].began - done[1].began, 300ms);  // the short one has ended first
  EXPECT_GT(done[0].began, done[1].began);
}

TEST_F(one_lane, opens_again_behind_one_that_never_left) {
  work(1ms, false);
  work(1ms);
  work(1ms);
  all_is_done();
  EXPECT_EQ(done.size(), 3U);
}

TEST_F(one_lane, a_turn_that_was_not_asked_for_ends_nothing) {
  way.leave({});
  work(1ms);
  all_is_done();
  EXPECT_EQ(done.size(), 1U);
}
