// SPDX-License-Identifier: Apache-2.0
#include "state/document/room_participants.hpp"

#include "support/with_redis.hpp"

using namespace hiky;
using namespace testing;

namespace {

struct room_participants : support::with_redis {
  state::room_participants participants{redis};
};

}  // namespace

TEST_F(room_participants, adds_users_to_the_rooms_set) {
  ok(participants.add(room_id{"tea"}, user_id{"alice"}));
  ok(participants.add(room_id{"tea"}, user_id{"bob"}));
  ok(participants.add(room_id{"tea"}, user_id{"bob"}));
  EXPECT_THAT(probe.list("SMEMBERS", "ws:room_participants:tea"), UnorderedElementsAre("alice", "bob"));
  EXPECT_EQ(probe("TYPE", "ws:room_participants:tea"), "set");
}

TEST_F(room_participants, removes_one_user) {
  probe("SADD", "ws:room_participants:tea", "alice", "bob");
  ok(participants.remove(room_id{"tea"}, user_id{"alice"}));
  ok(participants.remove(room_id{"tea"}, user_id{"alice"}));
  EXPECT_THAT(probe.list("SMEMBERS", "ws:room_participants:tea"), ElementsAre("bob"));
}

TEST_F(room_participants, gives_all_users_and_their_count) {
  probe("SADD", "ws:room_participants:tea", "alice", "bob");
  EXPECT_THAT(ok(participants.all(room_id{"tea"})), UnorderedElementsAre(user_id{"alice"}, user_id{"bob"}));
  EXPECT_EQ(ok(participants.count(room_id{"tea"})), 2u);
  EXPECT_THAT(ok(participants.all(room_id{"empty"})), IsEmpty());
  EXPECT_EQ(ok(participants.count(room_id{"empty"})), 0u);
}

TEST_F(room_participants, leaves_a_room_with_people_in_it_alone) {
  probe("SADD", "ws:room_participants:tea", "alice");
  EXPECT_FALSE(ok(participants.remove_if_empty(room_id{"tea"})));
  EXPECT_THAT(probe.list("SMEMBERS", "ws:room_participants:tea"), ElementsAre("alice"));
}

TEST_F(room_participants, removes_a_room_when_the_last_one_has_left) {
  ok(participants.add(room_id{"tea"}, user_id{"alice"}));
  ok(participants.remove(room_id{"tea"}, user_id{"alice"}));
  EXPECT_TRUE(ok(participants.remove_if_empty(room_id{"tea"})));
  EXPECT_EQ(probe("EXISTS", "ws:room_participants:tea"), "0");
}

TEST_F(room_participants, counts_a_room_that_never_was_as_removed) {
  EXPECT_TRUE(ok(participants.remove_if_empty(room_id{"never there"})));
}

TEST_F(room_participants, never_reads_an_error_as_an_empty_room) {
  probe("SET", "ws:room_participants:tea", "a string");
  EXPECT_THAT(fault(participants.remove_if_empty(room_id{"tea"})).text,
              AllOf(HasSubstr("WRONGTYPE"), HasSubstr("(remove_room_if_empty.lua ws:room_participants:tea)")));
  EXPECT_THAT(fault(participants.count(room_id{"tea"})).text, HasSubstr("(SCARD ws:room_participants:tea)"));
  EXPECT_EQ(probe("GET", "ws:room_participants:tea"), "a string");
}

TEST_F(room_participants, runs_its_script_on_a_server_that_has_forgotten_it) {
  EXPECT_TRUE(ok(participants.remove_if_empty(room_id{"tea"})));
  probe("SCRIPT", "FLUSH");
  EXPECT_TRUE(ok(participants.remove_if_empty(room_id{"tea"})));
}

TEST_F(room_participants, keeps_odd_ids_apart) {
  for (auto const id : support::odd_ids) ok(participants.add(room_id{id}, user_id{id}));
  EXPECT_EQ(probe("DBSIZE"), std::to_string(support::odd_ids.size()));
  for (auto const id : support::odd_ids) {
    SCOPED_TRACE(id);
    EXPECT_THAT(probe.list("SMEMBERS", "ws:room_participants:" + std::string{id}), ElementsAre(id));
    EXPECT_THAT(ok(participants.all(room_id{id})), ElementsAre(user_id{id}));
    EXPECT_FALSE(ok(participants.remove_if_empty(room_id{id})));
    ok(participants.remove(room_id{id}, user_id{id}));
    EXPECT_TRUE(ok(participants.remove_if_empty(room_id{id})));
  }
}
