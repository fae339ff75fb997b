// SPDX-License-Identifier: Apache-2.0
// The document's API as a whole. The tests of the strict classes behind it show how each method changes the keys.
#include "state/document/services.hpp"

#include "contract/document_methods.hpp"
#include "support/with_redis.hpp"

using namespace hiky;
using namespace testing;

namespace {

struct services : support::with_redis {
  state::services all{redis};
  user_id alice{"alice"}, bob{"bob"};
  room_id tea{"tea"};
};

}  // namespace

TEST_F(services, has_the_documents_32_methods) { EXPECT_EQ(document_methods().size(), 32u); }

TEST_F(services, gives_real_answers_on_a_healthy_redis) {
  for (auto const& method : document_methods()) {
    SCOPED_TRACE(method.name);
    prepare(probe);
    EXPECT_EQ(run(method.call(all)), method.healthy);
    EXPECT_NE(method.healthy, method.fallback);  // or the tests of the fallbacks could not fail
  }
  EXPECT_THAT(log.lines(), IsEmpty());
}

TEST_F(services, costs_one_round_trip_each) {
  for (auto const& method : document_methods()) run(method.call(all));  // Redis learns the scripts
  for (auto const& method : document_methods()) {
    SCOPED_TRACE(method.name);
    prepare(probe);
    auto const before = redis.counts().requests.load();
    run(method.call(all));
    EXPECT_EQ(redis.counts().requests - before, method.name == "cleanup_all_websocket_data" ? 2u : 1u);
  }
}

TEST_F(services, writes_what_the_document_writes) {
  EXPECT_TRUE(run(all.set_client(alice, {{"ipAddress", "::1"}})));
  EXPECT_TRUE(run(all.add_online_user(alice)));
  EXPECT_TRUE(run(all.add_user_room(alice, tea)));
  EXPECT_TRUE(run(all.add_room_participant(tea, alice)));
  EXPECT_TRUE(run(all.add_joined_room_participant(tea, bob)));
  EXPECT_TRUE(run(all.set_typing_user(alice, tea)));
  EXPECT_TRUE(run(all.add_offline_message(bob, {{"content", "hi"}})));
  EXPECT_THAT(probe.list("KEYS", "*"),
              UnorderedElementsAre("ws:clients", "ws:online_users", "ws:user_rooms:alice", "ws:room_participants:tea",
                                   "ws:joined_room_participants:tea", "ws:typing_users", "ws:typing_users:alice",
                                   "ws:offline_messages:bob"));
  EXPECT_EQ(probe("HGET", "ws:clients", "alice"), R"({"ipAddress":"::1"})");
  EXPECT_EQ(probe("SISMEMBER", "ws:online_users", "alice"), "1");
  EXPECT_EQ(probe("SISMEMBER", "ws:user_rooms:alice", "tea"), "1");
  EXPECT_EQ(probe("SISMEMBER", "ws:room_participants:tea", "alice"), "1");
  EXPECT_EQ(probe("SISMEMBER", "ws:joined_room_participants:tea", "bob"), "1");
  EXPECT_EQ(probe("HGET", "ws:typing_users", "alice"), "tea");
  EXPECT_EQ(probe("LINDEX", "ws:offline_messages:bob", "0"), R"({"content":"hi"})");
}

TEST_F(services, removes_what_the_document_removes) {
  prepare(probe);
  EXPECT_TRUE(run(all.remove_client(alice)));
  EXPECT_TRUE(run(all.remove_online_user(alice)));
  EXPECT_TRUE(run(all.remove_all_user_rooms(alice)));
  EXPECT_FALSE(run(all.remove_room_if_empty(tea)));
  EXPECT_TRUE(run(all.remove_room_participant(tea, alice)));
  EXPECT_TRUE(run(all.remove_room_if_empty(tea)));
  EXPECT_TRUE(run(all.remove_joined_room_participant(tea, alice)));
  EXPECT_TRUE(run(all.remove_typing_user(alice)));
  EXPECT_TRUE(run(all.clear_offline_messages(alice)));
  EXPECT_EQ(probe("DBSIZE"), "0");
  EXPECT_THAT(log.lines(), IsEmpty());
}

TEST_F(services, calls_a_removal_of_nothing_a_success) {
  EXPECT_TRUE(run(all.remove_client(alice)));
  EXPECT_TRUE(run(all.remove_online_user(alice)));
  EXPECT_TRUE(run(all.remove_user_room(alice, tea)));
  EXPECT_TRUE(run(all.remove_room_participant(tea, alice)));
  EXPECT_TRUE(run(all.remove_typing_user(alice)));
  EXPECT_TRUE(run(all.clear_offline_messages(alice)));
  EXPECT_TRUE(run(all.cleanup_all_websocket_data()));
}

TEST_F(services, gives_null_and_one_line_for_a_client_whose_json_is_broken) {
  probe("HSET", "ws:clients", "alice", "{");
  EXPECT_EQ(run(all.get_client(alice)), std::nullopt);
  ASSERT_EQ(log.lines().size(), 1u);
  EXPECT_THAT(log.lines()[0], StartsWith("operation.failed operation=get_client code=unexpected_reply"));
}
