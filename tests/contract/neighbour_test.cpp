// SPDX-License-Identifier: Apache-2.0
// Another program on the same Redis writes the document's keys: a user who is connected to it stays online when the
// last of our connections ends.
#include <gmock/gmock.h>

#include "base/json.hpp"
#include "state/chat/store.hpp"
#include "state/inspect/explain_user.hpp"
#include "support/with_redis.hpp"

namespace {

using namespace hiky;
using testing::ElementsAre;
using testing::IsEmpty;

class a_neighbour : public support::with_redis {
 protected:
  // The keys that bench/compare/node_service.mjs writes.
  void connects() {
    probe("SADD", "ws:online_users", "bob");
    probe("HSET", "ws:clients", "bob", theirs);
    for (auto const* key : {"ws:room_participants:tea", "ws:joined_room_participants:tea"}) probe("SADD", key, "bob");
    probe("SADD", "ws:user_rooms:bob", "tea");
  }
  void connect(char const* id) {
    ok(store.connections.add({connection_id{id}, here, bob, "2026-01-31T12:00:00.000Z", "192.0.2.1", "probe"},
                             {room_id{"tea"}}));
  }
  std::int64_t disconnect(char const* id) { return ok(store.connections.remove(connection_id{id}, here, bob)); }
  std::string entry() { return probe("HGET", "ws:clients", "bob"); }
  void expect_here() {
    EXPECT_THAT(probe.list("SMEMBERS", "ws:online_users"), ElementsAre("bob"));
    EXPECT_THAT(probe.list("SMEMBERS", "ws:room_participants:tea"), ElementsAre("bob"));
    EXPECT_THAT(probe.list("SMEMBERS", "ws:user_rooms:bob"), ElementsAre("tea"));
    EXPECT_EQ(probe("EXISTS", "ws:pending_offline", "ws:last_seen:bob", "ws:room_absent:tea"), "0");
  }
  void expect_gone() {
    EXPECT_EQ(probe("EXISTS", "ws:online_users", "ws:room_participants:tea", "ws:user_rooms:bob", "ws:clients"), "0");
    EXPECT_EQ(probe("EXISTS", "ws:pending_offline", "ws:last_seen:bob", "ws:room_absent:tea"), "3");
  }

  std::string const theirs = R"({"connectedAt":"2026-01-31T11:00:00.000Z","lastSeen":"2026-01-31T11:00:00.000Z"})";
  user_id const bob{"bob"};
  instance_id const here{"chat-1"};
  state::store store{redis, 1};
};

TEST_F(a_neighbour, that_came_first_keeps_its_user_online) {
  connects();
  connect("c.1");
  EXPECT_EQ(
      entry(),
      R"({"connectedAt":"2026-01-31T12:00:00.000Z","lastSeen":"2026-01-31T12:00:00.000Z","ipAddress":"192.0.2.1",)"
      R"("neighbour":true,"connections":1})");
  connect("c.2");
  EXPECT_EQ(disconnect("c.1"), 1);
  EXPECT_TRUE(entry().ends_with(R"(,"neighbour":true,"connections":1})"));
  EXPECT_THAT(ok(state::explain_user(redis, bob)).problems, IsEmpty());
  EXPECT_EQ(disconnect("c.2"), 1) << "the neighbour's connection counts as one: nobody is told of an absence";
  EXPECT_EQ(
      entry(),
      R"({"connectedAt":"2026-01-31T12:00:00.000Z","lastSeen":"2026-01-31T12:00:00.000Z","ipAddress":"192.0.2.1"})");
  expect_here();
  connect("c.3");
  EXPECT_EQ(disconnect("c.3"), 1);
  expect_here();
}

TEST_F(a_neighbour, that_came_second_keeps_its_user_online) {
  connect("c.1");
  connects();
  EXPECT_EQ(disconnect("c.1"), 1);
  EXPECT_EQ(entry(), theirs);
  expect_here();
}

TEST_F(a_neighbour, is_seen_by_its_entry_alone) {
  connect("c.1");
  EXPECT_EQ(disconnect("c.1"), 0);
  expect_gone();
}

TEST_F(a_neighbour, is_not_a_spoilt_entry_and_not_one_of_somebody_offline) {
  for (auto const* spoilt : {"poison", "{}", R"("text")", R"({"connectedAt":7})"}) {
    probe("FLUSHALL");
    connect("c.1");
    probe("HSET", "ws:clients", "bob", spoilt);
    EXPECT_EQ(disconnect("c.1"), 0) << spoilt;
    expect_gone();
  }
  probe("FLUSHALL");
  probe("HSET", "ws:clients", "bob", theirs);
  connect("c.1");
  EXPECT_EQ(disconnect("c.1"), 0);
  expect_gone();
}

}  // namespace
