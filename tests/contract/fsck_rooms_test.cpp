// SPDX-License-Identifier: Apache-2.0
// fsck on rooms: memberships, absences, typing marks, mail and the log.
#include "fsck_stage.hpp"
#include "state/chat/keys.hpp"

namespace contract {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(fsck, half_a_membership_becomes_a_whole_one) {
  restored("ws:member_rooms:carol", "tea", "member_without_room");
  restored("ws:room_members:tea", "carol", "room_without_member");
}

TEST_F(fsck, who_takes_part_without_a_connection_is_away) {
  removed("ws:room_participants:tea", "carol", "participant_without_connection");
  removed("ws:user_rooms:carol", "tea", "rooms_without_connection");
  removed("ws:joined_room_participants:tea", "carol", "joined_without_part");
  EXPECT_EQ(probe.list("SMEMBERS", "ws:joined_room_participants:tea").size(), 2u);
}

TEST_F(fsck, a_member_who_is_here_takes_part_again) {
  probe("SREM", "ws:room_participants:tea", "bob");
  probe("SADD", "ws:room_absent:tea", "bob");
  mended("member_takes_no_part");
  EXPECT_EQ(probe("SISMEMBER", "ws:room_participants:tea", "bob"), "1");
  EXPECT_EQ(probe("SISMEMBER", "ws:room_absent:tea", "bob"), "0");
}

TEST_F(fsck, half_a_join_is_completed_or_taken_back) {
  restored("ws:user_rooms:bob", "tea", "half_joined");
  removed("ws:user_rooms:bob", "cake", "half_joined");
}

TEST_F(fsck, the_count_of_the_absent_comes_out_again) {
  removed("ws:room_absent:tea", "zoe", "absent_without_membership");
  removed("ws:room_absent:tea", "alice", "absent_but_here");
  probe("DEL", "ws:room_absent:tea");
  mended("absence_not_counted");
  EXPECT_THAT(probe.list("SMEMBERS", "ws:room_absent:tea"), ElementsAre("carol"));
}

TEST_F(fsck, an_orphan_typing_mark_is_removed) {
  probe("HSET", "ws:typing_users", "zoe", "tea");
  mended("orphan_typing");
  EXPECT_THAT(probe.list("HKEYS", "ws:typing_users"), ElementsAre("bob"));
}

TEST_F(fsck, what_must_end_gets_an_end) {
  probe("PERSIST", "ws:typing_users:bob");
  probe("PERSIST", state::keys::dedup(tea, user_id{"alice"}, "m-1"));
  EXPECT_THAT(kinds(look()), ElementsAre("never_ends", "never_ends"));
  mended("never_ends");
  EXPECT_NE(probe("TTL", "ws:typing_users:bob"), "-1");
}

TEST_F(fsck, poison_mail_is_removed_and_the_rest_stays) {
  probe("RPUSH", "ws:offline_messages:carol", "poison", "[1]", "poison");
  EXPECT_THAT(mended("poison_mail").found, HasSubstr("not JSON"));
  EXPECT_EQ(probe("LLEN", "ws:offline_messages:carol"), "1");
  EXPECT_THAT(probe("LINDEX", "ws:offline_messages:carol", "0"), HasSubstr("tea?"));
}

TEST_F(fsck, a_mailbox_that_is_too_long_keeps_the_newest) {
  for (int i = 0; i < 120; ++i) probe("LPUSH", "ws:offline_messages:carol", "{\"n\":" + std::to_string(i) + "}");
  mended("mailbox_too_long");
  EXPECT_EQ(probe("LLEN", "ws:offline_messages:carol"), "100");
  EXPECT_EQ(probe("LINDEX", "ws:offline_messages:carol", "0"), "{\"n\":119}");
}

TEST_F(fsck, mail_that_was_claimed_for_a_lost_connection_returns) {
  probe("RPUSH", "ws:offline_inflight:carol:c.77", "{\"older\":1}");
  mended("stuck_mail");
  EXPECT_EQ(probe("LLEN", "ws:offline_messages:carol"), "2");
  EXPECT_EQ(probe("LINDEX", "ws:offline_messages:carol", "1"), "{\"older\":1}");
  EXPECT_EQ(probe("EXISTS", "ws:offline_inflight:carol:c.77"), "0");
}

TEST_F(fsck, rooms_can_be_written_to_again) {
  probe("HSET", "ws:room_head:tea", "seq", "0");
  EXPECT_FALSE(run(store.room_log.publish({tea, user_id{"alice"}, connection_id{}, "1", {}})));
  probe("HSET", "ws:room_head:tea", "seq", "0");
  mended("seq_behind_log");
  EXPECT_THAT(ok(store.room_log.publish({tea, user_id{"alice"}, connection_id{}, "1", {}})).message_id,
              testing::EndsWith(":2"));

  probe("HSET", "ws:room_head:tea", "seq", "many");
  mended("head_unreadable");
  ok(store.room_log.publish({tea, user_id{"alice"}, connection_id{}, "1", {}}));

  probe("DEL", "ws:room_head:tea");
  mended("log_without_head");
}

}  // namespace contract
