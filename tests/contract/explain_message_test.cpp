// SPDX-License-Identifier: Apache-2.0
// A message, explained: what became of it for each member of its room.
#include "state/inspect/explain_message.hpp"

#include "explain_stage.hpp"
#include "state/inspect/explain_user.hpp"

namespace contract {

using testing::HasSubstr;

TEST_F(explain, a_message_is_routed_to_who_was_there) {
  two_in_tea();
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
  two_in_tea();
  disconnect("bob", "c.2");
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
  two_in_tea();
  disconnect("bob", "c.2");
  auto const first = say("alice", "tea");
  std::string last;
  for (int i = 0; i < 100; ++i) last = say("alice", "tea");
  EXPECT_EQ(fate_of(first, "bob").outcome, state::fate::dropped);
  EXPECT_EQ(fate_of(last, "bob").outcome, state::fate::queued);
}

TEST_F(explain, a_cleared_mailbox_is_not_taken_for_a_delivery) {
  two_in_tea();
  disconnect("bob", "c.2");
  auto const id = say("alice", "tea");
  probe("DEL", "ws:offline_messages:bob");
  EXPECT_EQ(fate_of(id, "bob").outcome, state::fate::not_queued);
}

TEST_F(explain, a_content_that_looks_like_the_message_is_not_taken_for_it) {
  two_in_tea();
  auto const id = say("alice", "tea");
  probe("LPUSH", "ws:offline_messages:bob",
        R"({"content":{"messageId":")" + id + R"(","seq":1},"messageId":"x:1","seq":1})");
  EXPECT_EQ(fate_of(id, "bob").outcome, state::fate::routed);
}

TEST_F(explain, a_message_that_the_log_has_no_more_is_still_found_in_a_mailbox) {
  two_in_tea();
  disconnect("bob", "c.2");
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

}  // namespace contract
