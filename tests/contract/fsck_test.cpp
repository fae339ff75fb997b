// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/fsck.hpp"

#include <random>

#include "state/chat/keys.hpp"
#include "state/chat/store.hpp"
#include "state/inspect/key_families.hpp"
#include "support/with_redis.hpp"

namespace {

using namespace hiky;
using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class fsck : public support::with_redis {
 protected:
  fsck() {
    // alice and bob are in tea and here, carol belongs to it and is away, with mail.
    ok(store.leases.renew(chat_1, 60s, true));
    connect("alice", "c.1"), connect("bob", "c.2"), connect("carol", "c.3");
    for (auto const* user : {"alice", "bob", "carol"}) ok(store.members.join(user_id{user}, tea, connection_id{}, 10));
    ok(store.connections.remove(connection_id{"c.3"}, chat_1, user_id{"carol"}));
    ok(store.room_log.publish({tea, user_id{"alice"}, connection_id{"c.1"}, "\"tea?\"", "m-1"}));
    ok(store.typing.change(user_id{"bob"}, tea, state::typing_change::on));
  }

  void connect(char const* user, char const* connection, instance_id instance = instance_id{"chat-1"}) {
    ok(store.connections.add({connection_id{connection}, std::move(instance), user_id{user}, "2026-01-31T12:00:00.000Z",
                              "192.0.2.1", "probe"},
                             {}));
  }
  state::fsck_report look(bool repair = false, bool strays = false) {
    return ok(state::fsck(redis, {repair, strays, 0ms}));
  }
  static std::vector<std::string> kinds(state::fsck_report const& r) {
    std::vector<std::string> out;
    for (auto const& f : r.findings) out.push_back(f.kind);
    return out;
  }
  // Is told, is mended and told as mended, and is not there any more.
  state::finding mended(std::string const& kind) {
    auto const before = look();
    EXPECT_THAT(kinds(before), Contains(kind));
    for (auto const& f : before.findings) EXPECT_EQ(f.repaired, "") << f.kind;
    EXPECT_EQ(kinds(look()), kinds(before)) << "looking changes nothing";
    auto const during = look(true);
    EXPECT_THAT(kinds(during), Contains(kind));
    EXPECT_EQ(during.repaired, during.findings.size());
    EXPECT_THAT(kinds(look()), IsEmpty());
    for (auto const& f : during.findings) {
      if (f.kind == kind) {
        for (auto const* text : {&f.key, &f.found, &f.expected, &f.repaired}) EXPECT_NE(*text, "");
        return f;
      }
    }
    return {};
  }

  instance_id const chat_1{"chat-1"};
  room_id const tea{"tea"};
  state::store store{redis, 1};
};

TEST_F(fsck, finds_nothing_in_an_empty_database) {
  probe("FLUSHALL");
  auto const report = look();
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_EQ(report.keys, 0u);
}

TEST_F(fsck, finds_nothing_in_what_our_scripts_leave) {
  auto const report = look();
  EXPECT_THAT(kinds(report), IsEmpty());
  EXPECT_EQ(report.users, 2u);
  EXPECT_EQ(report.memberships, 3u);
}

TEST_F(fsck, finds_nothing_whatever_people_do) {
  std::mt19937 random{7};
  auto const some = [&](int most) { return std::to_string(random() % static_cast<unsigned>(most)); };
  std::vector<std::pair<std::string, std::string>> open;
  for (int i = 0; i < 600; ++i) {
    auto const user = "u" + some(7);
    room_id const room{"r" + some(4)};
    switch (random() % 8) {
      case 0:
      case 1:
        open.emplace_back(user, "k." + std::to_string(i));
        connect(user.c_str(), open.back().second.c_str());
        break;
      case 2:
        if (!open.empty()) {
          auto const at = open.begin() + static_cast<long>(random() % open.size());
          ok(store.connections.remove(connection_id{at->second}, chat_1, user_id{at->first}));
          open.erase(at);
        }
        break;
      case 3:
        if (!open.empty())
          ok(store.members.join(user_id{open.back().first}, room, connection_id{open.back().second}, 10));
        break;
      case 4: ok(store.members.leave(user_id{user}, room)); break;
      case 5: ok(store.members.add(user_id{user}, room)); break;
      case 6: run(store.room_log.publish({room, user_id{user}, connection_id{}, "1", {}})); break;
      case 7:
        if (!open.empty()) ok(store.mailbox.claim(user_id{open.back().first}, connection_id{open.back().second}));
        break;
      default: break;
    }
    if (i % 50 == 0) ASSERT_THAT(kinds(look()), IsEmpty()) << "after step " << i;
  }
  EXPECT_THAT(kinds(look()), IsEmpty());
}

TEST_F(fsck, a_ghost_is_removed_and_will_be_announced) {
  probe("SADD", "ws:online_users", "ghost");
  EXPECT_THAT(mended("ghost").found, HasSubstr("ghost counts as online"));
  EXPECT_EQ(probe("SISMEMBER", "ws:online_users", "ghost"), "0");
  EXPECT_NE(probe("ZSCORE", "ws:pending_offline", "ghost"), "(nil)");
}

TEST_F(fsck, a_ghost_with_all_it_left_behind_is_removed_whole) {
  probe("DEL", "ws:user_connections:bob");
  probe("HDEL", "ws:instance_connections:chat-1", "c.2");
  mended("ghost");
  EXPECT_EQ(probe("SISMEMBER", "ws:room_participants:tea", "bob"), "0");
  EXPECT_EQ(probe("EXISTS", "ws:user_rooms:bob"), "0");
  EXPECT_EQ(probe("SISMEMBER", "ws:room_absent:tea", "bob"), "1") << "what is said from now on is queued";
  EXPECT_EQ(probe("SISMEMBER", "ws:room_members:tea", "bob"), "1");
}

TEST_F(fsck, who_is_connected_but_not_online_comes_back) {
  probe("SREM", "ws:online_users", "bob");
  mended("connected_but_not_online");
  EXPECT_EQ(probe("SISMEMBER", "ws:online_users", "bob"), "1");
}

TEST_F(fsck, a_dead_instance_is_swept_and_what_it_may_not_have_delivered_is_queued) {
  connect("dave", "c.9", instance_id{"chat-9"});
  ok(store.members.join(user_id{"dave"}, tea, connection_id{"c.9"}, 10));
  auto const now = std::stoll(probe.list("TIME").front()) * 1000;
  probe("ZADD", "ws:instances", std::to_string(now - 8000), "chat-9");
  ok(store.room_log.publish({tea, user_id{"alice"}, connection_id{"c.1"}, "\"nobody heard it\"", {}}));
  EXPECT_THAT(mended("dead_instance").found, HasSubstr("holds 1 connections, of dave"));
  EXPECT_EQ(probe("SISMEMBER", "ws:online_users", "dave"), "0");
  EXPECT_EQ(probe("ZSCORE", "ws:instances", "chat-9"), "(nil)");
  EXPECT_THAT(probe("LINDEX", "ws:offline_messages:dave", "0"), HasSubstr("nobody heard it"));
}

TEST_F(fsck, a_lease_that_has_just_ended_is_left_to_the_living) {
  auto const now = std::stoll(probe.list("TIME").front()) * 1000;
  probe("ZADD", "ws:instances", std::to_string(now - 2000), "chat-9");
  connect("dave", "c.9", instance_id{"chat-9"});
  EXPECT_THAT(kinds(look()), IsEmpty());
}

TEST_F(fsck, an_instance_that_is_being_swept_is_left_alone) {
  connect("dave", "c.9", instance_id{"chat-9"});
  probe("ZADD", "ws:instances", "1000", "chat-9");
  probe("ZADD", "ws:sweeps", "99999999999999", "chat-9");
  EXPECT_THAT(kinds(look(true)), IsEmpty());
}

TEST_F(fsck, connections_of_an_instance_that_nobody_knows_are_ended) {
  connect("dave", "c.9", instance_id{"chat-9"});
  probe("ZREM", "ws:instances", "chat-9");
  mended("unknown_instance");
  EXPECT_EQ(probe("SISMEMBER", "ws:online_users", "dave"), "0");
  EXPECT_EQ(probe("EXISTS", "ws:instance_connections:chat-9"), "0");
}

TEST_F(fsck, a_connection_of_a_lost_instance_that_nobody_lists_is_ended) {
  connect("dave", "c.9", instance_id{"chat-9"});
  probe("DEL", "ws:instance_connections:chat-9");
  probe("ZREM", "ws:instances", "chat-9");
  mended("connection_of_unknown_instance");
  EXPECT_EQ(probe("SISMEMBER", "ws:online_users", "dave"), "0");

  connect("dave", "c.9", instance_id{"chat-9"});
  probe("DEL", "ws:instance_connections:chat-9");
  probe("ZADD", "ws:instances", "1000", "chat-9");
  EXPECT_THAT(kinds(look()), UnorderedElementsAre("dead_instance", "connection_of_dead_instance"));
  look(true);
  EXPECT_THAT(kinds(look()), IsEmpty());
  EXPECT_EQ(probe("EXISTS", "ws:user_connections:dave"), "0");
}

TEST_F(fsck, a_connection_that_its_instance_does_not_list_is_listed_again) {
  probe("HDEL", "ws:instance_connections:chat-1", "c.2");
  mended("connection_not_listed");
  EXPECT_EQ(probe("HGET", "ws:instance_connections:chat-1", "c.2"), "bob");
}

TEST_F(fsck, a_connection_that_nobody_has_is_taken_off_the_list) {
  probe("HSET", "ws:instance_connections:chat-1", "c.77", "nobody");
  mended("listed_in_vain");
  EXPECT_EQ(probe("HEXISTS", "ws:instance_connections:chat-1", "c.77"), "0");
}

TEST_F(fsck, a_connection_that_is_no_json_is_ended) {
  probe("HSET", "ws:user_connections:dave", "c.9", "poison");
  probe("SADD", "ws:online_users", "dave");
  mended("connection_of_nobody");
  EXPECT_EQ(probe("EXISTS", "ws:user_connections:dave"), "0");
  EXPECT_EQ(probe("SISMEMBER", "ws:online_users", "dave"), "0");
}

TEST_F(fsck, entries_of_ws_clients_follow_the_connections) {
  probe("HSET", "ws:clients", "zoe", "{}");
  mended("client_without_connection");
  probe("HDEL", "ws:clients", "bob");
  mended("client_missing");
  EXPECT_EQ(
      probe("HGET", "ws:clients", "bob"),
      R"({"connectedAt":"2026-01-31T12:00:00.000Z","lastSeen":"2026-01-31T12:00:00.000Z","ipAddress":"192.0.2.1","connections":1})");
  probe("HSET", "ws:clients", "bob", R"({"connectedAt":"x","connections":7})");
  mended("client_miscounted");
  EXPECT_EQ(probe("HGET", "ws:clients", "bob"), R"({"connectedAt":"x","connections":1})");
  probe("HSET", "ws:clients", "bob", R"({"connectedAt":"as another program writes it"})");
  EXPECT_THAT(kinds(look()), IsEmpty());
}

TEST_F(fsck, half_a_membership_becomes_a_whole_one) {
  probe("SREM", "ws:member_rooms:carol", "tea");
  mended("member_without_room");
  EXPECT_EQ(probe("SISMEMBER", "ws:member_rooms:carol", "tea"), "1");
  probe("SREM", "ws:room_members:tea", "carol");
  mended("room_without_member");
  EXPECT_EQ(probe("SISMEMBER", "ws:room_members:tea", "carol"), "1");
}

TEST_F(fsck, who_takes_part_without_a_connection_is_away) {
  probe("SADD", "ws:room_participants:tea", "carol");
  mended("participant_without_connection");
  probe("SADD", "ws:user_rooms:carol", "tea");
  mended("rooms_without_connection");
  probe("SADD", "ws:joined_room_participants:tea", "carol");
  mended("joined_without_part");
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
  probe("SREM", "ws:user_rooms:bob", "tea");
  mended("half_joined");
  EXPECT_EQ(probe("SISMEMBER", "ws:user_rooms:bob", "tea"), "1");
  probe("SADD", "ws:user_rooms:bob", "cake");
  mended("half_joined");
  EXPECT_EQ(probe("SISMEMBER", "ws:user_rooms:bob", "cake"), "0");
}

TEST_F(fsck, the_count_of_the_absent_comes_out_again) {
  probe("SADD", "ws:room_absent:tea", "zoe");
  mended("absent_without_membership");
  probe("SADD", "ws:room_absent:tea", "alice");
  mended("absent_but_here");
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

TEST_F(fsck, keys_of_another_type_are_removed) {
  probe("DEL", "ws:room_participants:tea");
  probe("SET", "ws:room_participants:tea", "what?");
  mended("wrong_type");
  EXPECT_EQ(probe("TYPE", "ws:room_participants:tea"), "set") << "alice and bob take part again";
  probe("SET", "ws:offline_dropped:carol", "many");
  mended("counter_unreadable");
}

TEST_F(fsck, every_family_of_another_type_is_found_and_mended) {
  for (auto const& family : state::keys::families) {
    auto const key = std::string{family.name} + (family.name.ends_with(':') ? "x:y" : "");
    probe("DEL", key);
    if (family.type == "string") probe("SADD", key, "a", "b");
    else probe("SET", key, "what?");
    EXPECT_THAT(kinds(look()), Contains("wrong_type")) << key;
    EXPECT_THAT(kinds(look(true)), Contains("wrong_type")) << key;
    look(true);  // what the loss of the key's true content left behind
    EXPECT_THAT(kinds(look()), IsEmpty()) << key;
  }
}

TEST_F(fsck, strays_stay_unless_their_end_is_asked_for) {
  probe("SET", "ws:of_a_newer_version", "1");
  probe("SET", "other", "1");
  EXPECT_THAT(kinds(look()), ElementsAre("stray_key"));
  auto const repaired = look(true);
  EXPECT_THAT(kinds(repaired), ElementsAre("stray_key"));
  EXPECT_EQ(repaired.repaired, 0u);
  EXPECT_EQ(look(true, true).repaired, 1u);
  EXPECT_THAT(kinds(look()), IsEmpty());
  EXPECT_EQ(probe("GET", "other"), "1");
}

TEST_F(fsck, what_rights_itself_meanwhile_is_not_told) {
  probe("HSET", "ws:typing_users", "zoe", "tea");
  state::fsck_question how;
  how.patience = 200ms;
  asio::steady_timer timer{events.executor(), 50ms};
  timer.async_wait([&](auto) { probe("HDEL", "ws:typing_users", "zoe"); });
  EXPECT_THAT(kinds(ok(state::fsck(redis, how))), IsEmpty());
}

TEST_F(fsck, odd_ids_are_healthy_too) {
  for (auto const id : support::odd_ids) {
    if (id.empty()) continue;
    std::string const name{id};
    connect(name.c_str(), ("c." + name).c_str());
    ok(store.members.join(user_id{name}, room_id{name}, connection_id{"c." + name}, 10));
    ok(store.members.add(user_id{"carol"}, room_id{name}));
    ok(store.typing.change(user_id{name}, room_id{name}, state::typing_change::on));
    ok(store.room_log.publish({room_id{name}, user_id{name}, connection_id{"c.9"}, "1", name}));
  }
  EXPECT_THAT(kinds(look()), IsEmpty());
}

TEST_F(fsck, much_is_looked_at_in_pages) {
  for (int i = 0; i < 1200; ++i) {
    probe("SADD", "ws:room_members:hall", "m" + std::to_string(i));
    if (i % 2 == 0) probe("SADD", "ws:member_rooms:m" + std::to_string(i), "hall");
  }
  std::size_t last = 0;
  state::fsck_question how;
  how.repair = true;
  how.patience = 0ms;
  how.progress = [&](std::size_t seen, std::size_t) { last = seen; };
  auto const report = ok(state::fsck(redis, how));
  EXPECT_EQ(std::ranges::count(kinds(report), "member_without_room"), 600);
  EXPECT_EQ(std::ranges::count(kinds(report), "absence_not_counted"), 1200);
  EXPECT_GE(last, 600u);
  EXPECT_THAT(kinds(look()), IsEmpty());
}

}  // namespace
