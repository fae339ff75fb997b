// SPDX-License-Identifier: Apache-2.0
#include "state/document/typing_users.hpp"

#include "support/with_redis.hpp"

using namespace hiky;
using namespace testing;

namespace {

struct typing_users : support::with_redis {
  state::typing_users typing{redis};
  user_id alice{"alice"};
  room_id tea{"tea"};
};

}  // namespace

TEST_F(typing_users, marks_in_the_hash_and_gives_the_mark_ten_seconds) {
  ok(typing.set(alice, tea));
  EXPECT_EQ(probe("HGET", "ws:typing_users", "alice"), "tea");
  EXPECT_EQ(probe("GET", "ws:typing_users:alice"), "tea");
  auto const left = std::stol(probe("PTTL", "ws:typing_users:alice"));
  EXPECT_GT(left, 5'000);
  EXPECT_LE(left, 10'000);
}

TEST_F(typing_users, starts_the_ten_seconds_again_with_each_mark) {
  ok(typing.set(alice, tea));
  probe("EXPIRE", "ws:typing_users:alice", "1");
  ok(typing.set(alice, tea));
  EXPECT_GT(std::stol(probe("PTTL", "ws:typing_users:alice")), 5'000);
}

TEST_F(typing_users, knows_the_latest_room) {
  ok(typing.set(alice, tea));
  ok(typing.set(alice, room_id{"cake"}));
  EXPECT_EQ(ok(typing.get(alice)), room_id{"cake"});
  EXPECT_EQ(probe("HLEN", "ws:typing_users"), "1");
}

TEST_F(typing_users, removes_hash_entry_and_key) {
  ok(typing.set(alice, tea));
  ok(typing.set(user_id{"bob"}, tea));
  ok(typing.remove(alice));
  ok(typing.remove(alice));
  EXPECT_THAT(probe.list("HKEYS", "ws:typing_users"), ElementsAre("bob"));
  EXPECT_EQ(probe("EXISTS", "ws:typing_users:alice"), "0");
  EXPECT_EQ(ok(typing.get(alice)), std::nullopt);
}

TEST_F(typing_users, gives_nothing_for_a_user_who_does_not_type) { EXPECT_EQ(ok(typing.get(alice)), std::nullopt); }

TEST_F(typing_users, takes_an_expired_mark_for_dead_and_removes_it) {
  ok(typing.set(alice, tea));
  probe("PEXPIREAT", "ws:typing_users:alice", "1");
  EXPECT_EQ(ok(typing.get(alice)), std::nullopt);
  EXPECT_EQ(probe("HEXISTS", "ws:typing_users", "alice"), "0");
}

TEST_F(typing_users, really_expires_without_anybodys_help) {
  ok(typing.set(alice, tea));
  probe("PEXPIRE", "ws:typing_users:alice", "20");
  events.run_for(std::chrono::milliseconds{60});
  EXPECT_EQ(ok(typing.get(alice)), std::nullopt);
  EXPECT_THAT(ok(typing.all()), IsEmpty());
}

TEST_F(typing_users, gives_all_users_who_type_and_drops_dead_marks) {
  EXPECT_THAT(ok(typing.all()), IsEmpty());
  ok(typing.set(alice, tea));
  ok(typing.set(user_id{"bob"}, room_id{"cake"}));
  ok(typing.set(user_id{"carol"}, tea));
  probe("DEL", "ws:typing_users:bob");
  EXPECT_THAT(ok(typing.all()), UnorderedElementsAre(Pair(alice, tea), Pair(user_id{"carol"}, tea)));
  EXPECT_THAT(probe.list("HKEYS", "ws:typing_users"), UnorderedElementsAre("alice", "carol"));
}

TEST_F(typing_users, takes_a_mark_without_a_key_for_dead) {
  probe("HSET", "ws:typing_users", "alice", "tea");  // a writer that only follows the document's HSET leaves this
  EXPECT_EQ(ok(typing.get(alice)), std::nullopt);
  EXPECT_EQ(probe("EXISTS", "ws:typing_users"), "0");
}

TEST_F(typing_users, answers_on_a_server_that_takes_no_writes) {
  ok(typing.set(alice, tea));
  probe("HSET", "ws:typing_users", "bob", "tea");
  ok(redis.exec(redis::request{"REPLICAOF", "127.0.0.1", "1"}));
  EXPECT_EQ(ok(typing.get(user_id{"bob"})), std::nullopt);
  EXPECT_THAT(ok(typing.all()), ElementsAre(Pair(alice, tea)));
  ok(redis.exec(redis::request{"REPLICAOF", "NO", "ONE"}));
}

TEST_F(typing_users, gives_thousands) {
  for (int i = 0; i < 3'000; ++i) {
    auto const user = "user-" + std::to_string(i);
    probe("HSET", "ws:typing_users", user, "tea");
    if (i % 2 == 0) probe("SET", "ws:typing_users:" + user, "tea");
  }
  EXPECT_EQ(ok(typing.all()).size(), 1'500u);
  EXPECT_EQ(probe("HLEN", "ws:typing_users"), "1500");
}

TEST_F(typing_users, takes_odd_ids) {
  for (auto const id : support::odd_ids) {
    SCOPED_TRACE(id);
    ok(typing.set(user_id{id}, room_id{id}));
    EXPECT_EQ(probe("HGET", "ws:typing_users", id), id);
    EXPECT_EQ(probe("GET", "ws:typing_users:" + std::string{id}), id);
    EXPECT_EQ(ok(typing.get(user_id{id})), room_id{id});
  }
  EXPECT_EQ(ok(typing.all()).size(), support::odd_ids.size());
}

TEST_F(typing_users, changes_nothing_when_the_hash_is_something_else) {
  probe("SET", "ws:typing_users", "a string");
  for (auto const& e :
       {fault(typing.set(alice, tea)), fault(typing.remove(alice)), fault(typing.get(alice)), fault(typing.all())}) {
    EXPECT_THAT(e.text, AllOf(HasSubstr("WRONGTYPE"), HasSubstr("ws:typing_users)")));
  }
  EXPECT_EQ(probe("EXISTS", "ws:typing_users:alice"), "0");
}
