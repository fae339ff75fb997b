// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/message_fate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace hiky;
using state::fate;
using testing::HasSubstr;

constexpr std::int64_t said_at = 1'000'000;

// A message of alice by connection a.1, to a small room. The log still has the message.
state::judged_message said() {
  return {.kept = true,
          .sender = user_id{"alice"},
          .from_connection = connection_id{"a.1"},
          .timestamp = "2026-01-31T12:00:00.000Z",
          .at_ms = said_at,
          .members = 3};
}

state::explained_connection connection(char const* id, std::int64_t since_ms) {
  state::explained_connection out;
  out.id = connection_id{id};
  out.instance = instance_id{"chat-1"};
  out.at_ms = since_ms;
  out.lease = {state::lease_view::alive, 10'000};
  return out;
}

state::recipient user(char const* id, std::vector<state::explained_connection> connections = {}) {
  state::recipient out;
  out.user = user_id{id};
  out.online = !connections.empty();
  out.connections = std::move(connections);
  return out;
}

state::recipient judged(state::recipient who, state::standing const& s = {}, state::judged_message const& m = said(),
                        state::room_log_limits limits = {}) {
  state::judge(who, s, m, limits);
  return who;
}

}  // namespace

TEST(message_fate, is_queued_while_the_mailbox_holds_it) {
  auto const away = judged(user("bob"), {.queued = 5, .place = 2});
  EXPECT_EQ(away.outcome, fate::queued);
  EXPECT_THAT(away.why, HasSubstr("waits in the mailbox, 2 of 5: away when it was said"));
  auto const here = judged(user("bob", {connection("b.1", said_at - 1)}), {.queued = 1, .place = 1});
  EXPECT_EQ(here.outcome, fate::queued);
  EXPECT_THAT(here.why, HasSubstr("the connections there have not fetched it yet"));
}

TEST(message_fate, is_claimed_while_a_connection_has_not_confirmed_its_mail) {
  auto claims = connection("b.1", said_at + 1);
  claims.in_flight = true;
  EXPECT_EQ(judged(user("bob", {claims})).outcome, fate::claimed);
}

TEST(message_fate, of_the_sender_is_that_it_was_sent) {
  auto const who = judged(user("alice", {connection("a.1", said_at - 1), connection("a.2", said_at - 1)}));
  EXPECT_EQ(who.outcome, fate::sent);
  EXPECT_THAT(who.why, HasSubstr("sent it by connection a.1, which gets no copy; 1 other connection got one"));
  auto by_tool = said();
  by_tool.from_connection = {};
  EXPECT_THAT(judged(user("alice"), {}, by_tool).why, HasSubstr("by the API or a tool"));
}

TEST(message_fate, is_routed_to_connections_that_were_there) {
  auto dead = connection("b.2", said_at);
  dead.instance = instance_id{"chat-2"};
  dead.lease = {state::lease_view::ended, -7};
  auto const who = judged(user("bob", {connection("b.1", said_at), dead, connection("b.3", said_at + 1)}));
  EXPECT_EQ(who.outcome, fate::routed);
  EXPECT_THAT(who.why, HasSubstr("went to 2 connections on chat-1, chat-2"));
  EXPECT_THAT(who.why, HasSubstr("chat-2 has lost its lease"));
}

TEST(message_fate, is_dropped_when_the_mailbox_was_full) {
  state::standing const full{.queued = 100, .dropped = 3, .oldest_queued = "2026-01-31T12:00:01.000Z"};
  EXPECT_EQ(judged(user("bob"), full).outcome, fate::dropped);
  state::standing const earlier{.queued = 100, .dropped = 3, .oldest_queued = "2026-01-31T11:59:59.000Z"};
  EXPECT_EQ(judged(user("bob"), earlier).outcome, fate::not_queued);
}

TEST(message_fate, is_acknowledged_when_a_later_connection_is_here_or_was) {
  EXPECT_EQ(judged(user("bob", {connection("b.1", said_at + 1)})).outcome, fate::acknowledged);
  EXPECT_EQ(judged(user("bob"), {.last_seen = "2026-01-31T12:00:00.000Z"}).outcome, fate::acknowledged);
}

TEST(message_fate, is_not_queued_for_members_of_a_large_room) {
  state::room_log_limits small;
  small.max_mailbox_room = 2;
  auto const who = judged(user("bob"), {.last_seen = "2026-01-31T11:00:00.000Z"}, said(), small);
  EXPECT_EQ(who.outcome, fate::not_queued);
  EXPECT_THAT(who.why, HasSubstr("more than 2 members"));
  EXPECT_THAT(judged(user("bob")).why, HasSubstr("became a member later"));
}

TEST(message_fate, is_unknown_when_the_log_has_it_no_more) {
  EXPECT_EQ(judged(user("bob", {connection("b.1", said_at - 1)}), {}, {}).outcome, fate::unknown);
}
