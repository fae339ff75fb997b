// SPDX-License-Identifier: Apache-2.0
// How much a room's log takes.
#include <fmt/format.h>

#include "state/chat/store.hpp"
#include "support/with_redis.hpp"

namespace {

using namespace hiky;

class room_log : public support::with_redis {
 protected:
  room_id const tea{"tea"};
  user_id const alice{"alice"};
  state::store store{redis, 1};
};

TEST_F(room_log, takes_no_more_memory_than_its_budget) {
  probe("SADD", "ws:room_members:tea", "alice");
  probe("SADD", "ws:room_participants:tea", "alice");
  std::string const content = '"' + std::string(60'000, '.') + '"';
  constexpr std::uint64_t count = 400;
  for (std::uint64_t i = 0; i < count; ++i)
    ok(store.room_log.publish({.room = tea, .sender = alice, .connection = connection_id{"a.1"}, .content = content}));
  EXPECT_LT(std::stoi(probe("MEMORY", "USAGE", "ws:room_log:tea", "SAMPLES", "0")), 9'000'000) << "it would be 24 MB";
  auto const page = ok(store.room_log.before(tea, count + 1, 3));
  EXPECT_EQ(page.newest, count);
  EXPECT_GT(page.oldest, count - 150);
  EXPECT_LT(page.oldest, count - 90);
  ASSERT_FALSE(page.messages.empty());
  EXPECT_EQ(page.messages.back().seq, count);
}

}  // namespace
