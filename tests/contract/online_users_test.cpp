// SPDX-License-Identifier: Apache-2.0
#include "state/document/online_users.hpp"

#include "support/with_redis.hpp"

using namespace hiky;
using namespace testing;

namespace {

struct online_users : support::with_redis {
  state::online_users online{redis};
};

}  // namespace

TEST_F(online_users, adds_a_user_to_the_set_once) {
  ok(online.add(user_id{"alice"}));
  ok(online.add(user_id{"alice"}));
  EXPECT_THAT(probe.list("SMEMBERS", "ws:online_users"), ElementsAre("alice"));
  EXPECT_EQ(probe("TYPE", "ws:online_users"), "set");
}

TEST_F(online_users, removes_a_user_also_one_who_is_not_there) {
  probe("SADD", "ws:online_users", "alice", "bob");
  ok(online.remove(user_id{"alice"}));
  ok(online.remove(user_id{"alice"}));
  EXPECT_THAT(probe.list("SMEMBERS", "ws:online_users"), ElementsAre("bob"));
}

TEST_F(online_users, knows_who_is_in_it) {
  probe("SADD", "ws:online_users", "alice");
  EXPECT_TRUE(ok(online.contains(user_id{"alice"})));
  EXPECT_FALSE(ok(online.contains(user_id{"Alice"})));
}

TEST_F(online_users, gives_all_and_their_count) {
  EXPECT_THAT(ok(online.all()), IsEmpty());
  EXPECT_EQ(ok(online.count()), 0u);
  probe("SADD", "ws:online_users", "alice", "bob", "carol");
  EXPECT_THAT(ok(online.all()), UnorderedElementsAre(user_id{"alice"}, user_id{"bob"}, user_id{"carol"}));
  EXPECT_EQ(ok(online.count()), 3u);
}

TEST_F(online_users, gives_tens_of_thousands) {
  for (int i = 0; i < 20'000; i += 1000) {
    std::vector<std::string> words{"SADD", "ws:online_users"};
    for (int k = i; k < i + 1000; ++k) words.push_back("user-" + std::to_string(k));
    probe.ask({words.begin(), words.end()});
  }
  EXPECT_EQ(ok(online.all()).size(), 20'000u);
  EXPECT_EQ(ok(online.count()), 20'000u);
}

TEST_F(online_users, takes_odd_ids) {
  for (auto const id : support::odd_ids) ok(online.add(user_id{id}));
  EXPECT_THAT(probe.list("SMEMBERS", "ws:online_users"), UnorderedElementsAreArray(support::odd_ids));
  for (auto const id : support::odd_ids) EXPECT_TRUE(ok(online.contains(user_id{id}))) << id;
  EXPECT_EQ(ok(online.all()).size(), support::odd_ids.size());
  for (auto const id : support::odd_ids) ok(online.remove(user_id{id}));
  EXPECT_EQ(probe("EXISTS", "ws:online_users"), "0");
}

TEST_F(online_users, never_reads_an_error_as_nobody) {
  probe("SET", "ws:online_users", "a string");
  EXPECT_EQ(fault(online.count()).text.substr(0, 9), "WRONGTYPE");
  EXPECT_EQ(fault(online.contains(user_id{"alice"})).code, errc::server_error);
  EXPECT_THAT(fault(online.all()).text, HasSubstr("(SMEMBERS ws:online_users)"));
}
