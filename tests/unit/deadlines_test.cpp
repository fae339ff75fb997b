// SPDX-License-Identifier: Apache-2.0
#include "gateway/net/deadlines.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

using namespace hiky::gateway;
using namespace std::chrono_literals;

namespace {

constexpr deadline_times times{.identity = 100ms, .next_ping = 200ms, .pong = 50ms, .goodbye = 10ms};

struct fired {
  deadline_entry* who;
  wait_for what;
  bool operator==(fired const&) const = default;
};

std::vector<fired> at(deadlines& waits, std::uint32_t now) {
  std::vector<fired> out;
  waits.tick(now, [&](deadline_entry& e, wait_for what) { out.push_back({&e, what}); });
  return out;
}

using story = std::vector<fired>;

}  // namespace

TEST(deadlines, pass_at_their_time_and_once) {
  deadlines waits{times};
  deadline_entry a;
  waits.set(a, wait_for::identity, 1'000);
  EXPECT_EQ(at(waits, 1'099), story{});
  EXPECT_EQ(at(waits, 1'100), (story{{&a, wait_for::identity}}));
  EXPECT_EQ(at(waits, 9'000), story{});
}

TEST(deadlines, of_each_kind_have_their_length) {
  deadlines waits{times};
  deadline_entry a, b, c, d;
  waits.set(a, wait_for::identity, 0);
  waits.set(b, wait_for::next_ping, 0);
  waits.set(c, wait_for::pong, 0);
  waits.set(d, wait_for::goodbye, 0);
  EXPECT_EQ(at(waits, 10), (story{{&d, wait_for::goodbye}}));
  EXPECT_EQ(at(waits, 50), (story{{&c, wait_for::pong}}));
  EXPECT_EQ(at(waits, 100), (story{{&a, wait_for::identity}}));
  EXPECT_EQ(at(waits, 200), (story{{&b, wait_for::next_ping}}));
}

TEST(deadlines, an_entry_waits_for_one_thing_at_a_time) {
  deadlines waits{times};
  deadline_entry a;
  waits.set(a, wait_for::pong, 0);
  waits.set(a, wait_for::next_ping, 20);
  EXPECT_EQ(at(waits, 219), story{});
  EXPECT_EQ(at(waits, 220), (story{{&a, wait_for::next_ping}}));
  waits.set(a, wait_for::pong, 300);
  waits.set(a, wait_for::pong, 340);
  EXPECT_EQ(at(waits, 389), story{});
  EXPECT_EQ(at(waits, 390), (story{{&a, wait_for::pong}}));
}

TEST(deadlines, pass_in_the_order_they_were_set) {
  deadlines waits{times};
  deadline_entry a, b, c;
  waits.set(a, wait_for::pong, 0);
  waits.set(b, wait_for::pong, 1);
  waits.set(c, wait_for::pong, 2);
  waits.set(a, wait_for::pong, 3);
  EXPECT_EQ(at(waits, 100), (story{{&b, wait_for::pong}, {&c, wait_for::pong}, {&a, wait_for::pong}}));
}

TEST(deadlines, go_with_their_entry) {
  deadlines waits{times};
  deadline_entry a;
  waits.set(a, wait_for::pong, 0);
  {
    deadline_entry b;
    waits.set(b, wait_for::pong, 0);
  }
  EXPECT_EQ(at(waits, 100), (story{{&a, wait_for::pong}}));
}

TEST(deadlines, may_be_set_and_ended_while_they_pass) {
  deadlines waits{times};
  deadline_entry a;
  auto b = std::make_unique<deadline_entry>();
  auto c = std::make_unique<deadline_entry>();
  waits.set(a, wait_for::pong, 0);
  waits.set(*b, wait_for::pong, 0);
  waits.set(*c, wait_for::goodbye, 60);
  std::vector<wait_for> seen;
  waits.tick(50, [&](deadline_entry& e, wait_for what) {
    seen.push_back(what);
    b.reset();
    c.reset();
    waits.set(e, wait_for::goodbye, 50);
  });
  EXPECT_EQ(seen, (std::vector{wait_for::pong}));
  EXPECT_EQ(at(waits, 59), story{});
  EXPECT_EQ(at(waits, 60), (story{{&a, wait_for::goodbye}}));
}

TEST(deadlines, do_not_mind_that_the_clock_wraps) {
  deadlines waits{times};
  deadline_entry a;
  std::uint32_t const late = 0u - 20;
  waits.set(a, wait_for::pong, late);
  EXPECT_EQ(at(waits, late + 19), story{});
  EXPECT_EQ(at(waits, 29), story{});
  EXPECT_EQ(at(waits, 30), (story{{&a, wait_for::pong}}));
}

TEST(deadlines, show_everybody_who_waits) {
  deadlines waits{times};
  deadline_entry a, b, c;
  waits.set(a, wait_for::identity, 0);
  waits.set(b, wait_for::next_ping, 0);
  waits.set(c, wait_for::pong, 0);
  c.unlink();
  std::vector<deadline_entry*> seen;
  waits.each([&](deadline_entry& e) { seen.push_back(&e); });
  EXPECT_EQ(seen, (std::vector<deadline_entry*>{&a, &b}));
}
