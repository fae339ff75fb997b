// SPDX-License-Identifier: Apache-2.0
#include "state/document/user_rooms.hpp"

#include "support/with_redis.hpp"

using namespace hiky;
using namespace testing;

namespace {

struct user_rooms : support::with_redis {
  state::user_rooms rooms{redis};
};

}  // namespace

TEST_F(user_rooms, adds_rooms_to_the_users_set) {
  ok(rooms.add(user_id{"alice"}, room_id{"tea"}));
  ok(rooms.add(user_id{"alice"}, room_id{"cake"}));
  ok(rooms.add(user_id{"alice"}, room_id{"tea"}));
  EXPECT_THAT(probe.list("SMEMBERS", "ws:user_rooms:alice"), UnorderedElementsAre("tea", "cake"));
  EXPECT_EQ(probe("TYPE", "ws:user_rooms:alice"), "set");
}

TEST_F(user_rooms, removes_one_room) {
  probe("SADD", "ws:user_rooms:alice", "tea", "cake");
  ok(rooms.remove(user_id{"alice"}, room_id{"tea"}));
  ok(rooms.remove(user_id{"alice"}, room_id{"never there"}));
  EXPECT_THAT(probe.list("SMEMBERS", "ws:user_rooms:alice"), ElementsAre("cake"));
}

TEST_F(user_rooms, gives_all_rooms_of_a_user) {
  probe("SADD", "ws:user_rooms:alice", "tea", "cake");
  probe("SADD", "ws:user_rooms:bob", "gin");
  EXPECT_THAT(ok(rooms.all(user_id{"alice"})), UnorderedElementsAre(room_id{"tea"}, room_id{"cake"}));
  EXPECT_THAT(ok(rooms.all(user_id{"carol"})), IsEmpty());
}

TEST_F(user_rooms, clears_all_rooms_of_one_user) {
  probe("SADD", "ws:user_rooms:alice", "tea", "cake");
  probe("SADD", "ws:user_rooms:bob", "gin");
  ok(rooms.clear(user_id{"alice"}));
  ok(rooms.clear(user_id{"alice"}));
  EXPECT_EQ(probe("EXISTS", "ws:user_rooms:alice"), "0");
  EXPECT_EQ(probe("EXISTS", "ws:user_rooms:bob"), "1");
}

TEST_F(user_rooms, keeps_odd_ids_apart) {
  for (auto const id : support::odd_ids) ok(rooms.add(user_id{id}, room_id{id}));
  EXPECT_EQ(probe("DBSIZE"), std::to_string(support::odd_ids.size()));
  for (auto const id : support::odd_ids) {
    EXPECT_THAT(probe.list("SMEMBERS", "ws:user_rooms:" + std::string{id}), ElementsAre(id));
    EXPECT_THAT(ok(rooms.all(user_id{id})), ElementsAre(room_id{id}));
  }
}

TEST_F(user_rooms, never_reads_an_error_as_no_rooms) {
  probe("SET", "ws:user_rooms:alice", "a string");
  EXPECT_THAT(fault(rooms.all(user_id{"alice"})).text,
              AllOf(StartsWith("WRONGTYPE"), HasSubstr("(SMEMBERS ws:user_rooms:alice)")));
}
