// SPDX-License-Identifier: Apache-2.0
// fsck on connections: ghosts, lost instances, and connections that only half of the keys know.
#include "fsck_stage.hpp"

namespace contract {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST_F(fsck, a_ghost_is_removed_and_will_be_announced) {
  probe("SADD", "ws:online_users", "ghost");
  EXPECT_THAT(mended("ghost").found, HasSubstr("ghost counts as online"));
  EXPECT_EQ(probe("SISMEMBER", "ws:online_users", "ghost"), "0");
  EXPECT_NE(probe("ZSCORE", "ws:pending_offline", "ghost"), "(nil)");
}

TEST_F(fsck, a_ghost_with_all_it_left_behind_is_removed_whole) {
  probe("DEL", "ws:user_connections:bob");
  probe("HDEL", "ws:instance_connections:chat-1", "c.2");
  mended("ghost");
  EXPECT_EQ(probe("SISMEMBER", "ws:room_participants:tea", "bob"), "0");
  EXPECT_EQ(probe("EXISTS", "ws:user_rooms:bob"), "0");
  EXPECT_EQ(probe("SISMEMBER", "ws:room_absent:tea", "bob"), "1") << "what is said from now on is queued";
  EXPECT_EQ(probe("SISMEMBER", "ws:room_members:tea", "bob"), "1");
}

TEST_F(fsck, who_is_connected_but_not_online_comes_back) {
  restored("ws:online_users", "bob", "connected_but_not_online");
}

TEST_F(fsck, a_dead_instance_is_swept_and_what_it_may_not_have_delivered_is_queued) {
  connect("dave", "c.9", instance_id{"chat-9"});
  ok(store.members.join(user_id{"dave"}, tea, connection_id{"c.9"}, 10));
  auto const now = std::stoll(probe.list("TIME").front()) * 1000;
  probe("ZADD", "ws:instances", std::to_string(now - 8000), "chat-9");
  ok(store.room_log.publish({tea, user_id{"alice"}, connection_id{"c.1"}, "\"nobody heard it\"", {}}));
  EXPECT_THAT(mended("dead_instance").found, HasSubstr("holds 1 connections, of dave"));
  EXPECT_EQ(probe("SISMEMBER", "ws:online_users", "dave"), "0");
  EXPECT_EQ(probe("ZSCORE", "ws:instances", "chat-9"), "(nil)");
  EXPECT_THAT(probe("LINDEX", "ws:offline_messages:dave", "0"), HasSubstr("nobody heard it"));
}

TEST_F(fsck, a_lease_that_has_just_ended_is_left_to_the_living) {
  auto const now = std::stoll(probe.list("TIME").front()) * 1000;
  probe("ZADD", "ws:instances", std::to_string(now - 2000), "chat-9");
  connect("dave", "c.9", instance_id{"chat-9"});
  EXPECT_THAT(kinds(look()), IsEmpty());
}

TEST_F(fsck, an_instance_that_is_being_swept_is_left_alone) {
  connect("dave", "c.9", instance_id{"chat-9"});
  probe("ZADD", "ws:instances", "1000", "chat-9");
  probe("ZADD", "ws:sweeps", "99999999999999", "chat-9");
  EXPECT_THAT(kinds(look(true)), IsEmpty());
}

TEST_F(fsck, connections_of_an_instance_that_nobody_knows_are_ended) {
  connect("dave", "c.9", instance_id{"chat-9"});
  probe("ZREM", "ws:instances", "chat-9");
  mended("unknown_instance");
  EXPECT_EQ(probe("SISMEMBER", "ws:online_users", "dave"), "0");
  EXPECT_EQ(probe("EXISTS", "ws:instance_connections:chat-9"), "0");
}

TEST_F(fsck, a_connection_of_a_lost_instance_that_nobody_lists_is_ended) {
  connect("dave", "c.9", instance_id{"chat-9"});
  probe("DEL", "ws:instance_connections:chat-9");
  probe("ZREM", "ws:instances", "chat-9");
  mended("connection_of_unknown_instance");
  EXPECT_EQ(probe("SISMEMBER", "ws:online_users", "dave"), "0");

  connect("dave", "c.9", instance_id{"chat-9"});
  probe("DEL", "ws:instance_connections:chat-9");
  probe("ZADD", "ws:instances", "1000", "chat-9");
  EXPECT_THAT(kinds(look()), UnorderedElementsAre("dead_instance", "connection_of_dead_instance"));
  look(true);
  EXPECT_THAT(kinds(look()), IsEmpty());
  EXPECT_EQ(probe("EXISTS", "ws:user_connections:dave"), "0");
}

TEST_F(fsck, a_connection_that_its_instance_does_not_list_is_listed_again) {
  probe("HDEL", "ws:instance_connections:chat-1", "c.2");
  mended("connection_not_listed");
  EXPECT_EQ(probe("HGET", "ws:instance_connections:chat-1", "c.2"), "bob");
}

TEST_F(fsck, a_connection_that_nobody_has_is_taken_off_the_list) {
  probe("HSET", "ws:instance_connections:chat-1", "c.77", "nobody");
  mended("listed_in_vain");
  EXPECT_EQ(probe("HEXISTS", "ws:instance_connections:chat-1", "c.77"), "0");
}

TEST_F(fsck, a_connection_that_is_no_json_is_ended) {
  probe("HSET", "ws:user_connections:dave", "c.9", "poison");
  probe("SADD", "ws:online_users", "dave");
  mended("connection_of_nobody");
  EXPECT_EQ(probe("EXISTS", "ws:user_connections:dave"), "0");
  EXPECT_EQ(probe("SISMEMBER", "ws:online_users", "dave"), "0");
}

TEST_F(fsck, entries_of_ws_clients_follow_the_connections) {
  probe("HSET", "ws:clients", "zoe", "{}");
  mended("client_without_connection");
  probe("HDEL", "ws:clients", "bob");
  mended("client_missing");
  EXPECT_EQ(
      probe("HGET", "ws:clients", "bob"),
      R"({"connectedAt":"2026-01-31T12:00:00.000Z","lastSeen":"2026-01-31T12:00:00.000Z","ipAddress":"192.0.2.1","connections":1})");
  probe("HSET", "ws:clients", "bob", R"({"connectedAt":"x","connections":7})");
  mended("client_miscounted");
  EXPECT_EQ(probe("HGET", "ws:clients", "bob"), R"({"connectedAt":"x","connections":1})");
  probe("HSET", "ws:clients", "bob", R"({"connectedAt":"as another program writes it"})");
  EXPECT_THAT(kinds(look()), IsEmpty());
}

}  // namespace contract
