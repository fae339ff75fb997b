// SPDX-License-Identifier: Apache-2.0
// fsck on state that is whole, on keys of another type, and on strays.
#include "state/inspect/fsck.hpp"

#include <random>

#include "fsck_stage.hpp"
#include "state/inspect/key_families.hpp"

namespace contract {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

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

}  // namespace contract
