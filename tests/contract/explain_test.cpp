// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/explain_message.hpp"
#include "state/inspect/explain_user.hpp"

#include <boost/json/serialize.hpp>

#include "state/chat/keys.hpp"
#include "state/chat/store.hpp"
#include "state/inspect/instances.hpp"
#include "support/with_redis.hpp"

namespace {

using namespace hiky;
using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class explain : public support::with_redis {
 protected:
  explain() { ok(store.leases.renew(chat_1, 15s, true)); }

  void connect(char const* user, char const* connection, instance_id instance) {
    ok(store.connections.add(
        {connection_id{connection}, instance, user_id{user}, "2026-01-31T12:00:00.000Z", "192.0.2.1", "probe"}, {}));
  }
  void join(char const* user, char const* room) {
    ok(store.members.join(user_id{user}, room_id{room}, connection_id{}, 10));
  }
  std::string say(char const* user, char const* room, char const* connection = "c.1") {
    events.run_for(3ms);  // connections that began before did so in an earlier millisecond
    return ok(store.room_log.publish({room_id{room}, user_id{user}, connection_id{connection}, "\"tea?\"", {}}))
        .message_id;
  }
  state::recipient fate_of(std::string const& message, char const* user) {
    auto all = ok(state::explain_message(redis, {message, {}, {}}));
    for (auto const& r : all.recipients) {
      if (r.user == user_id{user}) return r;
    }
    throw std::runtime_error("no such recipient");
  }

  instance_id const chat_1{"chat-1"}, chat_2{"chat-2"};
  state::store store{redis, 1};
};

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
  ok(store.connections.remove(connection_id{"c.1"}, chat_1, user_id{"alice"}));
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

TEST_F(explain, a_message_is_routed_to_who_was_there) {
  connect("alice", "c.1", chat_1);
  connect("bob", "c.2", chat_1);
  join("alice", "tea"), join("bob", "tea");
  auto const id = say("alice", "tea");
  auto const e = ok(state::explain_message(redis, {id, {}, {}}));
  EXPECT_EQ(e.room, room_id{"tea"});
  EXPECT_EQ(e.sender, user_id{"alice"});
  EXPECT_EQ(e.from_connection, connection_id{"c.1"});
  EXPECT_TRUE(e.kept);
  EXPECT_EQ(e.members, 2);
  EXPECT_EQ(e.listeners, 0);
  EXPECT_EQ(fate_of(id, "alice").outcome, state::fate::sent);
  EXPECT_EQ(fate_of(id, "bob").outcome, state::fate::routed);
  EXPECT_THAT(fate_of(id, "bob").why, HasSubstr("1 connection on chat-1"));
  EXPECT_THAT(e.verdict, HasSubstr("routed for 1"));
}

TEST_F(explain, a_message_for_who_is_away_waits_is_claimed_and_is_acknowledged) {
  connect("alice", "c.1", chat_1);
  connect("bob", "c.2", chat_1);
  join("alice", "tea"), join("bob", "tea");
  ok(store.connections.remove(connection_id{"c.2"}, chat_1, user_id{"bob"}));
  auto const first = say("alice", "tea"), second = say("alice", "tea");
  EXPECT_EQ(fate_of(first, "bob").outcome, state::fate::queued);
  EXPECT_THAT(fate_of(second, "bob").why, HasSubstr("2 of 2"));

  connect("bob", "c.3", chat_1);
  EXPECT_THAT(fate_of(first, "bob").why, HasSubstr("have not fetched it yet"));
  ok(store.mailbox.claim(user_id{"bob"}, connection_id{"c.3"}));
  EXPECT_EQ(fate_of(first, "bob").outcome, state::fate::claimed);
  EXPECT_EQ(ok(state::explain_user(redis, user_id{"bob"})).connections.at(0).mail_in_flight, 2);

  ok(store.mailbox.confirm(user_id{"bob"}, connection_id{"c.3"}, 1, 0));
  EXPECT_EQ(fate_of(first, "bob").outcome, state::fate::acknowledged);
  EXPECT_EQ(fate_of(second, "bob").outcome, state::fate::claimed);
}

TEST_F(explain, what_a_full_mailbox_pushed_out_is_said_to_be_dropped) {
  connect("alice", "c.1", chat_1);
  connect("bob", "c.2", chat_1);
  join("alice", "tea"), join("bob", "tea");
  ok(store.connections.remove(connection_id{"c.2"}, chat_1, user_id{"bob"}));
  auto const first = say("alice", "tea");
  std::string last;
  for (int i = 0; i < 100; ++i) last = say("alice", "tea");
  EXPECT_EQ(fate_of(first, "bob").outcome, state::fate::dropped);
  EXPECT_EQ(fate_of(last, "bob").outcome, state::fate::queued);
}

TEST_F(explain, a_cleared_mailbox_is_not_taken_for_a_delivery) {
  connect("alice", "c.1", chat_1);
  connect("bob", "c.2", chat_1);
  join("alice", "tea"), join("bob", "tea");
  ok(store.connections.remove(connection_id{"c.2"}, chat_1, user_id{"bob"}));
  auto const id = say("alice", "tea");
  probe("DEL", "ws:offline_messages:bob");
  EXPECT_EQ(fate_of(id, "bob").outcome, state::fate::not_queued);
}

TEST_F(explain, a_content_that_looks_like_the_message_is_not_taken_for_it) {
  connect("alice", "c.1", chat_1);
  connect("bob", "c.2", chat_1);
  join("alice", "tea"), join("bob", "tea");
  auto const id = say("alice", "tea");
  probe("LPUSH", "ws:offline_messages:bob",
        R"({"content":{"messageId":")" + id + R"(","seq":1},"messageId":"x:1","seq":1})");
  EXPECT_EQ(fate_of(id, "bob").outcome, state::fate::routed);
}

TEST_F(explain, a_message_that_the_log_has_no_more_is_still_found_in_a_mailbox) {
  connect("alice", "c.1", chat_1);
  connect("bob", "c.2", chat_1);
  join("alice", "tea"), join("bob", "tea");
  ok(store.connections.remove(connection_id{"c.2"}, chat_1, user_id{"bob"}));
  auto const id = say("alice", "tea");
  probe("DEL", "ws:room_log:tea");
  auto const e = ok(state::explain_message(redis, {id, {}, {}}));
  EXPECT_FALSE(e.kept);
  EXPECT_EQ(fate_of(id, "bob").outcome, state::fate::queued);
  EXPECT_EQ(fate_of(id, "alice").outcome, state::fate::unknown);
}

TEST_F(explain, messages_that_never_were_are_told_apart) {
  connect("alice", "c.1", chat_1);
  join("alice", "tea");
  auto const id = say("alice", "tea");
  auto const epoch = id.substr(0, id.find(':'));
  EXPECT_EQ(fault(state::explain_message(redis, {"tea", {}, {}})).code, errc::invalid_argument);
  EXPECT_THAT(fault(state::explain_message(redis, {"000000000000:1", {}, {}})).text,
              HasSubstr("no room counts in the epoch"));
  EXPECT_THAT(fault(state::explain_message(redis, {epoch + ":2", {}, {}})).text, HasSubstr("has counted to 1"));
  EXPECT_THAT(fault(state::explain_message(redis, {id, room_id{"cake"}, {}})).text, HasSubstr("from another room"));
}

TEST_F(explain, recipients_can_be_limited_and_picked) {
  connect("alice", "c.1", chat_1);
  for (auto const* user : {"alice", "bob", "carol"}) join(user, "tea");
  auto const id = say("alice", "tea");
  auto const two = ok(state::explain_message(redis, {id, {}, {}, 2}));
  EXPECT_EQ(two.recipients.size(), 2u);
  EXPECT_TRUE(two.truncated);
  auto const stranger = ok(state::explain_message(redis, {id, room_id{"tea"}, user_id{"zoe"}}));
  ASSERT_EQ(stranger.recipients.size(), 1u);
  EXPECT_THAT(stranger.recipients[0].why, HasSubstr("is not in the room now"));
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

}  // namespace
