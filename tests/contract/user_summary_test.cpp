// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/user_summary.hpp"
#include "state/inspect/waiting_mail.hpp"

#include "state/chat/store.hpp"
#include "state/inspect/lists.hpp"
#include "support/with_redis.hpp"

using namespace hiky;
using namespace testing;

namespace {

struct user_summary : support::with_redis {
  void connect(char const* connection) {
    ok(store.connections.add(
        {connection_id{connection}, instance_id{"chat-1"}, bob, "2026-01-31T12:00:00.000Z", "10.0.0.7", ""},
        {room_id{"tea"}, room_id{"chess"}}));
  }
  std::vector<std::string> ids(state::list_page const& page) {
    std::vector<std::string> out;
    for (auto const& item : page.items) out.push_back(item.id);
    return out;
  }

  user_id const bob{"bob"};
  state::store store{redis, 1};
};

TEST_F(user_summary, counts_what_is_there) {
  connect("c.2");
  connect("c.1");
  probe("LPUSH", "ws:offline_messages:bob", "one", "two");
  probe("SET", "ws:offline_dropped:bob", "7");
  probe("SET", "ws:banned:bob", "why", "EX", "100");
  probe("HSET", "ws:clients", "bob", R"({"lastSeen":"2026-01-31T12:00:01.000Z"})");
  probe("HSET", "ws:typing_users", "bob", "tea");
  probe("SET", "ws:typing_users:bob", "tea", "EX", "10");
  auto const seen = ok(state::summary_of(redis, bob));
  EXPECT_EQ(seen.connections, 2);
  EXPECT_EQ(seen.rooms, 2);
  EXPECT_EQ(seen.queued, 2);
  EXPECT_EQ(seen.dropped, 7);
  EXPECT_NEAR(static_cast<double>(seen.kept_out_s), 100, 2);
  EXPECT_EQ(seen.last_seen, "2026-01-31T12:00:01.000Z");
  EXPECT_EQ(seen.typing_in, room_id{"tea"});
  auto const held = ok(state::connections_of(redis, bob));
  ASSERT_THAT(held, SizeIs(2));
  EXPECT_EQ(held[0].first, connection_id{"c.1"});
  EXPECT_THAT(held[0].second, HasSubstr("10.0.0.7"));
}

TEST_F(user_summary, of_a_user_who_is_gone_says_when_that_was) {
  probe("SET", "ws:last_seen:bob", "2026-01-30T08:00:00.000Z");
  auto const seen = ok(state::summary_of(redis, bob));
  EXPECT_EQ(seen.last_seen, "2026-01-30T08:00:00.000Z");
  EXPECT_EQ(seen.connections + seen.rooms + seen.queued + seen.dropped + seen.kept_out_s, 0);
  EXPECT_FALSE(seen.typing_in);
  probe("HSET", "ws:clients", "bob", "poison");
  EXPECT_EQ(ok(state::summary_of(redis, bob)).last_seen, "2026-01-30T08:00:00.000Z");
}

TEST_F(user_summary, stands_beside_pages_of_everybody) {
  connect("c.1");
  EXPECT_THAT(ids(ok(state::online_page(redis, {}))), ElementsAre("bob"));
  EXPECT_THAT(ids(ok(state::clients_page(redis, {}))), ElementsAre("bob"));
  EXPECT_THAT(ids(ok(state::members_page(redis, room_id{"tea"}, {}))), ElementsAre("bob"));
  EXPECT_THAT(ids(ok(state::joined_page(redis, room_id{"tea"}, {}))), IsEmpty());
  EXPECT_THAT(ids(ok(state::rooms_page(redis, bob, {.limit = 1}))), ElementsAre("chess"));
}

TEST_F(user_summary, stands_beside_the_mail_that_waits) {
  probe("LPUSH", "ws:offline_messages:bob", "one", "two");
  probe("SET", "ws:offline_dropped:bob", "7");
  auto const waiting = ok(state::list_mail(redis, bob));
  EXPECT_THAT(waiting.messages, ElementsAre("one", "two"));
  EXPECT_EQ(waiting.dropped, 7);
  EXPECT_EQ(ok(state::clear_mail(redis, bob)), 2);
  EXPECT_EQ(ok(state::clear_mail(redis, bob)), 0);
  EXPECT_EQ(ok(state::list_mail(redis, bob)).dropped, 0);
}

}  // namespace
