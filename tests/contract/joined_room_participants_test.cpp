// SPDX-License-Identifier: Apache-2.0
#include "state/document/joined_room_participants.hpp"

#include "support/with_redis.hpp"

using namespace hiky;
using namespace testing;

namespace {

struct joined_room_participants : support::with_redis {
  state::joined_room_participants joined{redis};
};

}  // namespace

TEST_F(joined_room_participants, adds_users_to_a_set_of_its_own) {
  ok(joined.add(room_id{"tea"}, user_id{"alice"}));
  ok(joined.add(room_id{"tea"}, user_id{"alice"}));
  EXPECT_THAT(probe.list("SMEMBERS", "ws:joined_room_participants:tea"), ElementsAre("alice"));
  EXPECT_EQ(probe("TYPE", "ws:joined_room_participants:tea"), "set");
  EXPECT_EQ(probe("EXISTS", "ws:room_participants:tea"), "0");
}

TEST_F(joined_room_participants, removes_one_user) {
  probe("SADD", "ws:joined_room_participants:tea", "alice", "bob");
  ok(joined.remove(room_id{"tea"}, user_id{"bob"}));
  ok(joined.remove(room_id{"tea"}, user_id{"bob"}));
  EXPECT_THAT(probe.list("SMEMBERS", "ws:joined_room_participants:tea"), ElementsAre("alice"));
}

TEST_F(joined_room_participants, gives_all_users_who_have_the_room_open) {
  probe("SADD", "ws:joined_room_participants:tea", "alice", "bob");
  EXPECT_THAT(ok(joined.all(room_id{"tea"})), UnorderedElementsAre(user_id{"alice"}, user_id{"bob"}));
  EXPECT_THAT(ok(joined.all(room_id{"empty"})), IsEmpty());
}

TEST_F(joined_room_participants, keeps_odd_ids_apart) {
  for (auto const id : support::odd_ids) ok(joined.add(room_id{id}, user_id{id}));
  for (auto const id : support::odd_ids) {
    EXPECT_THAT(probe.list("SMEMBERS", "ws:joined_room_participants:" + std::string{id}), ElementsAre(id));
    EXPECT_THAT(ok(joined.all(room_id{id})), ElementsAre(user_id{id}));
  }
}

TEST_F(joined_room_participants, never_reads_an_error_as_nobody) {
  probe("SET", "ws:joined_room_participants:tea", "a string");
  EXPECT_THAT(fault(joined.all(room_id{"tea"})).text,
              AllOf(StartsWith("WRONGTYPE"), HasSubstr("(SMEMBERS ws:joined_room_participants:tea)")));
}
