// SPDX-License-Identifier: Apache-2.0
// Joining a room: the time that it counts from, and the users that the answer names.
#include "state/chat/members.hpp"

#include <fmt/format.h>

#include "state/chat/store.hpp"
#include "support/with_redis.hpp"

namespace {

using namespace hiky;

class joining_a_room : public support::with_redis {
 protected:
  room_id const tea{"tea"};
  user_id const alice{"alice"};
  connection_id const phone{"c.1"};
  state::store store{redis, 1};
};

// When in doubt whether messages arrived, the user gets as mail those that came since then.
TEST_F(joining_a_room, is_behind_its_last_message_though_the_clock_has_stepped_back) {
  auto const ahead = std::stoll(probe.list("TIME")[0]) * 1000 + 3'600'000;
  probe("HSET", "ws:room_head:tea", "epoch", "e", "seq", "3", "t", std::to_string(ahead));
  EXPECT_EQ(ok(store.members.join(alice, tea, phone, 10)).at_ms, ahead + 1);
  probe("HSET", "ws:room_head:tea", "t", "1");
  EXPECT_EQ(ok(store.members.join(alice, tea, phone, 10)).at_ms, ahead + 1) << "nor before a time that was given";
}

// A page that comes back is in its rooms before it opens one of them.
TEST_F(joining_a_room, gives_no_time_to_a_connection_that_has_been_in) {
  EXPECT_GT(ok(store.members.join(alice, tea, phone, 10, {.was_in = true})).at_ms, 0) << "Redis knew nothing of it";
  EXPECT_EQ(ok(store.members.join(alice, tea, phone, 10, {.was_in = true})).at_ms, 0);
  EXPECT_GT(ok(store.members.join(alice, tea, phone, 10)).at_ms, 0) << "another connection has been in";
  probe("SREM", "ws:room_participants:tea", "alice");
  EXPECT_GT(ok(store.members.join(alice, tea, phone, 10, {.was_in = true})).at_ms, 0) << "the user had been taken out";
}

}  // namespace
