// SPDX-License-Identifier: Apache-2.0
#include "directory/redis_directory.hpp"

#include "support/with_redis.hpp"

using namespace hiky;
using namespace testing;

namespace {

struct redis_directory : support::with_redis {
  redis_directory()
      : app_probe(support::shared_server().socket(), 0), app(events.executor(), support::shared_server().address(0)) {
    app.start();
    ok(app.wait_connected(std::chrono::seconds{5}));
  }
  ~redis_directory() override { app.stop(); }

  support::redis_probe app_probe;  // looks at database 0
  redis::client app;
  directory::redis_directory people{app};
  user_id const alice{"alice"}, bob{"bob"}, carol{"carol"};
  room_id const tea{"tea"}, cake{"cake"};
};

}  // namespace

TEST_F(redis_directory, loads_what_another_program_wrote_in_one_round_trip) {
  app_probe("HSET", "hiky:user:alice", "username", "al", "name", "Alice A.", "profileImage", "/a.png", "passwordHash",
            "none of our business");
  app_probe("SADD", "hiky:user_friends:alice", "bob", "carol");
  app_probe("SADD", "hiky:user_rooms:alice", "tea", "cake");
  auto const before = app.counts().requests.load();
  auto const entry = ok(people.load(alice));
  EXPECT_EQ(app.counts().requests, before + 1);
  EXPECT_EQ(entry.user.id, alice);
  EXPECT_EQ(entry.user.username, "al");
  EXPECT_EQ(entry.user.name, "Alice A.");
  EXPECT_EQ(entry.user.profile_image, "/a.png");
  EXPECT_THAT(entry.friends, UnorderedElementsAre(bob, carol));
  EXPECT_THAT(entry.rooms, UnorderedElementsAre(tea, cake));
}

TEST_F(redis_directory, gives_an_unknown_user_as_an_entry_with_the_id_alone) {
  auto const entry = ok(people.load(alice));
  EXPECT_EQ(entry.user.id, alice);
  EXPECT_EQ(entry.user.username + entry.user.name + entry.user.profile_image, "");
  EXPECT_THAT(entry.friends, IsEmpty());
  EXPECT_THAT(entry.rooms, IsEmpty());
  EXPECT_EQ(app_probe("DBSIZE"), "0");
}

TEST_F(redis_directory, gives_friends) {
  app_probe("SADD", "hiky:user_friends:alice", "bob");
  EXPECT_THAT(ok(people.friends(alice)), ElementsAre(bob));
  EXPECT_THAT(ok(people.friends(bob)), IsEmpty());
}

TEST_F(redis_directory, gives_profiles_in_the_order_asked_for_in_one_round_trip) {
  app_probe("HSET", "hiky:user:alice", "username", "al");
  app_probe("HSET", "hiky:user:bob", "username", "bo", "name", "Bob", "profileImage", "/b.png");
  auto const before = app.counts().requests.load();
  auto const found = ok(people.profiles({bob, carol, alice, bob}));
  EXPECT_EQ(app.counts().requests, before + 1);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].id, bob);
  EXPECT_EQ(found[0].profile_image, "/b.png");
  EXPECT_EQ(found[1].id, carol);
  EXPECT_EQ(found[1].username, "");
  EXPECT_EQ(found[2].username, "al");
  EXPECT_EQ(found[2].name, "");
  EXPECT_EQ(found[3].name, "Bob");
  EXPECT_THAT(ok(people.profiles({})), IsEmpty());
}

TEST_F(redis_directory, does_not_let_one_broken_profile_hide_the_others) {
  app_probe("SET", "hiky:user:alice", "not a hash");
  app_probe("HSET", "hiky:user:bob", "username", "bo");
  auto const found = ok(people.profiles({alice, bob}));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].username, "");
  EXPECT_EQ(found[1].username, "bo");
}

TEST_F(redis_directory, never_reads_an_error_as_no_friends) {
  app_probe("SET", "hiky:user_friends:alice", "not a set");
  EXPECT_EQ(fault(people.friends(alice)).code, errc::server_error);
  EXPECT_THAT(fault(people.load(alice)).text, StartsWith("WRONGTYPE"));
}

TEST_F(redis_directory, mends_texts_that_are_no_utf8_and_leaves_out_what_cannot_be_an_id) {
  app_probe("HSET", "hiky:user:alice", "name", "Al\xff");
  app_probe("SADD", "hiky:user_friends:alice", "bob", "", "\xff", "line\nbreak", std::string(129, 'x'));
  auto const entry = ok(people.load(alice));
  EXPECT_EQ(entry.user.name, "Al\xef\xbf\xbd");
  EXPECT_THAT(entry.friends, ElementsAre(bob));
}

TEST_F(redis_directory, adds_a_user_and_says_that_it_is_new) {
  EXPECT_TRUE(ok(people.add_user({.id = alice, .username = "al", .name = "Alice", .profile_image = "/a.png"})));
  EXPECT_THAT(app_probe.list("HGETALL", "hiky:user:alice"),
              ElementsAre("username", "al", "name", "Alice", "profileImage", "/a.png"));
}

TEST_F(redis_directory, gives_a_new_user_without_a_username_the_id_as_username) {
  EXPECT_TRUE(ok(people.add_user({.id = alice})));
  EXPECT_THAT(app_probe.list("HGETALL", "hiky:user:alice"), ElementsAre("username", "alice"));
}

TEST_F(redis_directory, changes_only_what_is_given_of_a_known_user) {
  app_probe("HSET", "hiky:user:alice", "username", "al", "name", "Alice", "theme", "dark");
  EXPECT_FALSE(ok(people.add_user({.id = alice, .name = ""})));
  EXPECT_EQ(app_probe("HGET", "hiky:user:alice", "username"), "al");
  EXPECT_EQ(app_probe("HGET", "hiky:user:alice", "name"), "");
  EXPECT_EQ(app_probe("HGET", "hiky:user:alice", "theme"), "dark");
}

TEST_F(redis_directory, makes_friends_of_both) {
  EXPECT_TRUE(ok(people.add_friend(alice, bob)));
  EXPECT_THAT(app_probe.list("SMEMBERS", "hiky:user_friends:alice"), ElementsAre("bob"));
  EXPECT_THAT(app_probe.list("SMEMBERS", "hiky:user_friends:bob"), ElementsAre("alice"));
  EXPECT_FALSE(ok(people.add_friend(bob, alice)));
}

TEST_F(redis_directory, completes_a_friendship_that_had_one_side_only) {
  app_probe("SADD", "hiky:user_friends:alice", "bob");
  EXPECT_TRUE(ok(people.add_friend(alice, bob)));
  EXPECT_THAT(app_probe.list("SMEMBERS", "hiky:user_friends:bob"), ElementsAre("alice"));
}

TEST_F(redis_directory, refuses_to_make_somebody_their_own_friend) {
  EXPECT_EQ(fault(people.add_friend(alice, alice)).code, errc::invalid_argument);
  EXPECT_EQ(app_probe("DBSIZE"), "0");
}

TEST_F(redis_directory, ends_a_friendship_on_both_sides) {
  ok(people.add_friend(alice, bob));
  ok(people.add_friend(alice, carol));
  EXPECT_TRUE(ok(people.remove_friend(bob, alice)));
  EXPECT_THAT(app_probe.list("SMEMBERS", "hiky:user_friends:alice"), ElementsAre("carol"));
  EXPECT_EQ(app_probe("EXISTS", "hiky:user_friends:bob"), "0");
  EXPECT_FALSE(ok(people.remove_friend(bob, alice)));
}

TEST_F(redis_directory, keeps_both_sides_of_a_room_membership) {
  EXPECT_TRUE(ok(people.add_room_member(alice, tea)));
  EXPECT_FALSE(ok(people.add_room_member(alice, tea)));
  EXPECT_TRUE(ok(people.add_room_member(bob, tea)));
  EXPECT_THAT(app_probe.list("SMEMBERS", "hiky:user_rooms:alice"), ElementsAre("tea"));
  EXPECT_THAT(app_probe.list("SMEMBERS", "hiky:room_members:tea"), UnorderedElementsAre("alice", "bob"));
  EXPECT_THAT(ok(people.room_members(tea)), UnorderedElementsAre(alice, bob));

  EXPECT_TRUE(ok(people.remove_room_member(alice, tea)));
  EXPECT_FALSE(ok(people.remove_room_member(alice, tea)));
  EXPECT_EQ(app_probe("EXISTS", "hiky:user_rooms:alice"), "0");
  EXPECT_THAT(ok(people.room_members(tea)), ElementsAre(bob));
}

TEST_F(redis_directory, forgets_a_removed_user_everywhere) {
  ok(people.add_user({.id = alice}));
  ok(people.add_friend(alice, bob));
  ok(people.add_friend(bob, carol));
  ok(people.add_room_member(alice, tea));
  ok(people.add_room_member(bob, tea));
  ok(people.add_room_member(alice, cake));
  EXPECT_TRUE(ok(people.remove_user(alice)));
  EXPECT_THAT(app_probe.list("KEYS", "*"), UnorderedElementsAre("hiky:user_friends:bob", "hiky:user_friends:carol",
                                                                "hiky:user_rooms:bob", "hiky:room_members:tea"));
  EXPECT_THAT(ok(people.friends(bob)), ElementsAre(carol));
  EXPECT_THAT(ok(people.room_members(tea)), ElementsAre(bob));
  EXPECT_FALSE(ok(people.remove_user(alice)));
}

TEST_F(redis_directory, reports_a_command_that_failed_inside_a_transaction) {
  app_probe("SET", "hiky:user_friends:bob", "not a set");
  auto const e = fault(people.add_friend(alice, bob));
  EXPECT_EQ(e.code, errc::server_error);
  EXPECT_THAT(e.text, StartsWith("WRONGTYPE"));
}

TEST_F(redis_directory, keeps_odd_ids_apart) {
  for (auto const id : support::odd_ids) {
    ok(people.add_user({.id = user_id{id}}));
    ok(people.add_room_member(user_id{id}, room_id{id}));
  }
  EXPECT_EQ(app_probe("DBSIZE"), std::to_string(3 * support::odd_ids.size()));
  for (auto const id : support::odd_ids) {
    if (id.empty()) continue;  // legal as a key, but nobody's id
    auto const entry = ok(people.load(user_id{id}));
    EXPECT_EQ(entry.user.username, id);
    EXPECT_THAT(entry.rooms, ElementsAre(room_id{id}));
  }
}

TEST_F(redis_directory, touches_the_apps_database_only) {
  ok(people.add_user({.id = alice}));
  ok(people.add_friend(alice, bob));
  ok(people.add_room_member(alice, tea));
  EXPECT_EQ(probe("DBSIZE"), "0");
}
