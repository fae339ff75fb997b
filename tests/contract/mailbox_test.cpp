// SPDX-License-Identifier: Apache-2.0
// The mailbox between a claim and its confirmation: a message that is lost on the way comes back.
#include "state/chat/mailbox.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "state/chat/store.hpp"
#include "support/with_redis.hpp"

namespace {

using namespace hiky;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class mailbox : public support::with_redis {
 protected:
  void connect(connection_id const& c) {
    ok(store.connections.add({c, instance, bob, "2026-01-31T12:00:00.000Z", "", ""}, {room_id{"tea"}}));
  }
  std::int64_t mail_seen_by(connection_id const& c) {
    return ok(store.connections.compare({{bob, c}})).seen.at(0).mail;
  }

  user_id const bob{"bob"};
  connection_id const phone{"c.1"}, laptop{"c.2"};
  instance_id const instance{"chat-1"};
  state::store store{redis, 1};
};

TEST_F(mailbox, is_seen_to_wait_also_in_flight) {
  connect(phone);
  EXPECT_EQ(mail_seen_by(phone), 0);
  probe("LPUSH", "ws:offline_messages:bob", "one", "two");
  EXPECT_EQ(mail_seen_by(phone), 2);
  ok(store.mailbox.claim(bob, phone));
  EXPECT_EQ(mail_seen_by(phone), 2) << "claimed, and perhaps the answer did not come";
  connect(laptop);
  EXPECT_EQ(mail_seen_by(laptop), 0);
  ok(store.mailbox.confirm(bob, phone, 2, 0));
  EXPECT_EQ(mail_seen_by(phone), 0);
}

TEST_F(mailbox, gives_an_earlier_claim_back_to_those_who_choose_from_it) {
  connect(phone);
  probe("LPUSH", "ws:offline_messages:bob", "one", "two");
  ok(store.mailbox.claim(bob, phone));
  // The answer was lost. Nothing waits, so nothing can be chosen.
  EXPECT_THAT(ok(store.mailbox.look(bob)).messages, IsEmpty());
  EXPECT_EQ(fault(store.mailbox.claim(bob, phone, {}, state::mail_choice{})).code, errc::conflict);
  EXPECT_THAT(ok(store.mailbox.look(bob)).messages, ElementsAre("two", "one"));
  EXPECT_THAT(ok(store.mailbox.claim(bob, phone, {}, state::mail_choice{"two", 2, {1}})).messages, ElementsAre("one"));
  EXPECT_THAT(ok(store.mailbox.claim(bob, laptop)).messages, IsEmpty()) << "Redis does not know of it";
}

TEST_F(mailbox, of_nothing_gives_those_who_choose_nothing) {
  connect(phone);
  EXPECT_THAT(ok(store.mailbox.claim(bob, phone, {}, state::mail_choice{})).messages, IsEmpty());
}

// The client of this device may have messages that are mail of another device.
TEST_F(mailbox, that_is_not_empty_keeps_what_the_last_connection_was_given) {
  auto const ends = [&](connection_id const& c) {
    state::unsure_mail unsure;
    unsure.given.push_back({"e", 1, 3});
    ok(store.connections.remove(c, instance, bob, unsure));
  };
  connect(phone);
  ends(phone);
  EXPECT_EQ(probe("EXISTS", "ws:given:bob:c.1"), "0");
  connect(laptop);
  probe("LPUSH", "ws:offline_messages:bob", "one");
  ends(laptop);
  EXPECT_EQ(probe("EXISTS", "ws:given:bob:c.2"), "1");
  EXPECT_GT(std::stoi(probe("TTL", "ws:given:bob:c.2")), 300);
  connect(phone);
  EXPECT_THAT(ok(store.mailbox.claim(bob, phone, laptop)).given, SizeIs(1));
}

// The connection's instance is killed before the client has confirmed its messages.
TEST_F(mailbox, gets_what_was_said_before_a_token_closed_the_room) {
  room_id const tea{"tea"}, go{"go"};
  auto const asserted = [&](std::vector<std::string> patterns) {
    state::connection_details about{phone, instance, bob, "2026-01-31T12:00:00.000Z", "", ""};
    if (!patterns.empty()) about.rooms = std::move(patterns);
    ok(store.connections.add(about, {tea, go}));
  };
  auto const say = [&](char const* what) {
    ok(store.members.join(user_id{"ann"}, go, connection_id{"a.1"}, 0));
    ok(store.room_log.publish({go, user_id{"ann"}, connection_id{"a.1"}, what, {}, {}}));
    events.run_for(std::chrono::milliseconds{3});
  };
  auto const began = std::stoll(probe.list("TIME")[0]) * 1000;
  asserted({});
  say("1");
  asserted({"tea"});
  events.run_for(std::chrono::milliseconds{3});  // a message in the millisecond of the change may wait twice
  say("2");
  EXPECT_EQ(probe("LLEN", "ws:offline_messages:bob"), "1") << "a message of now waits";
  ok(store.connections.remove(phone, instance, bob, {.since_ms = began}));
  EXPECT_THAT(probe.list("LRANGE", "ws:offline_messages:bob", "0", "-1"),
              testing::UnorderedElementsAre(testing::HasSubstr("\"content\":1"), testing::HasSubstr("\"content\":2")));
}

TEST_F(mailbox, with_a_counter_that_another_program_has_spoilt_keeps_nobody_online) {
  connect(phone);
  probe("SET", "ws:offline_dropped:bob", "no number");
  for (int i = 0; i < 102; ++i) probe("LPUSH", "ws:offline_messages:bob", std::to_string(i));
  EXPECT_EQ(ok(store.connections.remove(phone, instance, bob)), 0);
  EXPECT_EQ(probe("SISMEMBER", "ws:online_users", "bob"), "0");
  EXPECT_EQ(probe("LLEN", "ws:offline_messages:bob"), "100");
}

// A connection that never pongs, in a room with many messages.
TEST_F(mailbox, takes_no_more_memory_than_its_budget_when_a_connection_ends) {
  connect(phone);
  user_id const alice{"alice"};
  ok(store.connections.add({laptop, instance, alice, "2026-01-31T12:00:00.000Z", "", ""}, {room_id{"tea"}}));
  for (int i = 0; i < 12; ++i) {
    auto const content = fmt::format(R"("{}{}")", i, std::string(60'000, '.'));
    ok(store.room_log.publish({.room = room_id{"tea"}, .sender = alice, .connection = laptop, .content = content}));
  }
  state::unsure_mail unsure;
  unsure.since_began = true;
  ok(store.connections.remove(phone, instance, bob, unsure));
  auto const kept = std::stoi(probe("LLEN", "ws:offline_messages:bob"));
  EXPECT_GE(kept, 3);
  EXPECT_LT(std::stoi(probe("MEMORY", "USAGE", "ws:offline_messages:bob", "SAMPLES", "0")), 262'144);
  EXPECT_EQ(std::stoi(probe("GET", "ws:offline_dropped:bob")), 12 - kept);
  EXPECT_THAT(probe("LINDEX", "ws:offline_messages:bob", "0"), testing::HasSubstr("\"11..."));
}

}  // namespace
