// SPDX-License-Identifier: Apache-2.0
// A user and the instances, explained: online or not, since when, and each contradiction by its name.
#include "state/inspect/explain_user.hpp"

#include <boost/json/serialize.hpp>

#include "explain_stage.hpp"
#include "state/inspect/instances.hpp"

namespace contract {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(explain, nobody_knows_a_user_who_never_came) {
  auto const e = ok(state::explain_user(redis, user_id{"nobody"}));
  EXPECT_EQ(e.verdict, "offline, and never seen");
  EXPECT_FALSE(e.online);
  EXPECT_THAT(e.problems, IsEmpty());
}

TEST_F(explain, an_online_user_is_shown_with_connection_instance_and_lease) {
  connect("alice", "c.1", chat_1);
  connect("alice", "c.2", chat_1);
  join("alice", "tea");
  auto const e = ok(state::explain_user(redis, user_id{"alice"}));
  EXPECT_EQ(e.verdict, "online with 2 connections on chat-1");
  ASSERT_EQ(e.connections.size(), 2u);
  EXPECT_EQ(e.connections[0].id, connection_id{"c.1"});
  EXPECT_EQ(e.connections[0].instance, chat_1);
  EXPECT_EQ(e.connections[0].ip_address, "192.0.2.1");
  EXPECT_EQ(e.connections[0].lease.view, state::lease_view::alive);
  EXPECT_GT(e.connections[0].lease.left_ms, 0);
  EXPECT_LE(e.connections[0].lease.left_ms, 15'000);
  EXPECT_GT(e.connections[0].at_ms, 0);
  ASSERT_EQ(e.rooms.size(), 1u);
  EXPECT_TRUE(e.rooms[0].member && e.rooms[0].participant && e.rooms[0].joined && !e.rooms[0].absent);
  EXPECT_THAT(e.problems, IsEmpty());
}

TEST_F(explain, who_has_just_gone_is_announced_later_and_counted_as_absent) {
  connect("alice", "c.1", chat_1);
  join("alice", "tea");
  disconnect("alice", "c.1");
  auto const e = ok(state::explain_user(redis, user_id{"alice"}));
  EXPECT_THAT(e.verdict, HasSubstr("offline since 2"));
  EXPECT_THAT(e.verdict, HasSubstr("the others hear it in"));
  ASSERT_TRUE(e.announced_in_ms.has_value());
  EXPECT_LE(*e.announced_in_ms, 5'000);
  ASSERT_EQ(e.rooms.size(), 1u);
  EXPECT_TRUE(e.rooms[0].member && !e.rooms[0].participant && e.rooms[0].absent);
  EXPECT_THAT(e.problems, IsEmpty());
}

TEST_F(explain, a_ghost_is_called_a_ghost) {
  probe("SADD", "ws:online_users", "ghost");
  auto const e = ok(state::explain_user(redis, user_id{"ghost"}));
  EXPECT_THAT(e.problems, ElementsAre(HasSubstr("a ghost")));
}

TEST_F(explain, a_connection_of_an_instance_without_a_lease_will_never_end) {
  connect("alice", "c.1", chat_2);
  probe("ZREM", "ws:instances", "chat-2");
  auto const e = ok(state::explain_user(redis, user_id{"alice"}));
  EXPECT_EQ(e.connections.at(0).lease.view, state::lease_view::none);
  EXPECT_THAT(e.problems, ElementsAre(HasSubstr("instance chat-2 holds no lease")));
}

TEST_F(explain, a_connection_of_a_dead_instance_waits_to_be_swept) {
  connect("alice", "c.1", chat_2);
  probe("ZADD", "ws:instances", "1000", "chat-2");
  auto const e = ok(state::explain_user(redis, user_id{"alice"}));
  EXPECT_EQ(e.connections.at(0).lease.view, state::lease_view::ended);
  EXPECT_LT(e.connections.at(0).lease.left_ms, 0);
  EXPECT_THAT(e.problems, ElementsAre(HasSubstr("the lease of chat-2 ended")));
}

TEST_F(explain, a_typing_mark_counts_while_its_key_lives) {
  ok(store.typing.change(user_id{"alice"}, room_id{"tea"}, state::typing_change::on));
  EXPECT_EQ(ok(state::explain_user(redis, user_id{"alice"})).typing_in, room_id{"tea"});
  probe("DEL", "ws:typing_users:alice");
  EXPECT_EQ(ok(state::explain_user(redis, user_id{"alice"})).typing_in, std::nullopt);
}

TEST_F(explain, odd_ids_are_found_too) {
  for (auto const id : support::odd_ids) {
    if (id.empty()) continue;
    std::string const name{id};
    connect(name.c_str(), "c.9", chat_1);
    join(name.c_str(), name.c_str());
    auto const message = say(name.c_str(), name.c_str(), "c.9");
    EXPECT_EQ(ok(state::explain_message(redis, {message, {}, {}})).room, room_id{name});
    auto const e = ok(state::explain_user(redis, user_id{name}));
    EXPECT_THAT(e.problems, IsEmpty()) << name;
    EXPECT_TRUE(parse_json(json::serialize(to_json(e)))) << name;
  }
}

TEST_F(explain, instances_are_listed_with_their_lease_and_what_they_hold) {
  connect("alice", "c.1", chat_1);
  connect("alice", "c.2", chat_1);
  connect("bob", "c.3", chat_2);
  probe("ZREM", "ws:instances", "chat-2");
  probe("ZADD", "ws:instances", "1000", "chat-3");
  auto const all = ok(state::list_instances(redis));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].id, chat_1);
  EXPECT_EQ(all[0].lease.view, state::lease_view::alive);
  EXPECT_EQ(all[0].connections, 2);
  EXPECT_EQ(all[0].users, 1);
  EXPECT_EQ(all[0].hears, false);
  EXPECT_EQ(all[1].lease.view, state::lease_view::none);
  EXPECT_EQ(all[2].lease.view, state::lease_view::ended);
  EXPECT_EQ(all[2].connections, 0);
}

}  // namespace contract
