// SPDX-License-Identifier: Apache-2.0
#include "state/document/offline_messages.hpp"

#include "support/with_redis.hpp"

using namespace hiky;
using namespace testing;

namespace {

struct offline_messages : support::with_redis {
  state::offline_messages queue{redis};
  user_id alice{"alice"};
};

}  // namespace

TEST_F(offline_messages, queues_json_in_a_list_newest_first) {
  ok(queue.push(alice, {{"type", "message"}, {"roomId", "tea"}, {"content", "first"}}));
  ok(queue.push(alice, {{"type", "message"}, {"roomId", "tea"}, {"content", "second ☕"}}));
  EXPECT_THAT(probe.list("LRANGE", "ws:offline_messages:alice", "0", "-1"),
              ElementsAre(R"({"type":"message","roomId":"tea","content":"second ☕"})",
                          R"({"type":"message","roomId":"tea","content":"first"})"));
  EXPECT_EQ(probe("TYPE", "ws:offline_messages:alice"), "list");
}

TEST_F(offline_messages, keeps_the_newest_hundred) {
  for (int i = 0; i < 150; ++i) ok(queue.push(alice, {{"n", i}}));
  auto const kept = ok(queue.all(alice));
  ASSERT_EQ(kept.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(kept[static_cast<std::size_t>(i)].at("n"), 149 - i);
  EXPECT_EQ(probe("LLEN", "ws:offline_messages:alice"), "100");
}

TEST_F(offline_messages, shortens_a_list_that_another_program_let_grow) {
  for (int i = 0; i < 300; ++i) probe("LPUSH", "ws:offline_messages:alice", "{}");
  ok(queue.push(alice, {{"n", 1}}));
  EXPECT_EQ(probe("LLEN", "ws:offline_messages:alice"), "100");
  EXPECT_EQ(probe("LINDEX", "ws:offline_messages:alice", "0"), R"({"n":1})");
}

TEST_F(offline_messages, gives_messages_as_they_were_queued) {
  json::object const message{{"a", {1, -2.5, 1e21, true, nullptr, "\"\n"}}, {"b", {{"c", json::object{}}}}};
  ok(queue.push(alice, message));
  EXPECT_THAT(ok(queue.all(alice)), ElementsAre(message));
}

TEST_F(offline_messages, gives_nothing_for_an_empty_queue) {
  EXPECT_THAT(ok(queue.all(alice)), IsEmpty());
  EXPECT_EQ(ok(queue.count(alice)), 0u);
}

TEST_F(offline_messages, counts) {
  probe("LPUSH", "ws:offline_messages:alice", "{}", "{}", "{}");
  EXPECT_EQ(ok(queue.count(alice)), 3u);
}

TEST_F(offline_messages, clears_one_users_queue) {
  ok(queue.push(alice, {}));
  ok(queue.push(user_id{"bob"}, {}));
  ok(queue.clear(alice));
  ok(queue.clear(alice));
  EXPECT_EQ(probe("EXISTS", "ws:offline_messages:alice"), "0");
  EXPECT_EQ(probe("LLEN", "ws:offline_messages:bob"), "1");
}

TEST_F(offline_messages, skips_poison_messages_and_says_so_once) {
  ok(queue.push(alice, {{"n", 1}}));
  probe("LPUSH", "ws:offline_messages:alice", "secret", "null", "{\"cut\":");
  ok(queue.push(alice, {{"n", 2}}));
  EXPECT_THAT(ok(queue.all(alice)), ElementsAre(json::object{{"n", 2}}, json::object{{"n", 1}}));
  auto const lines = log.lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], StartsWith("entry.skipped key=ws:offline_messages:alice entries=3 reason=\"not JSON: "));
  EXPECT_THAT(lines[0], Not(HasSubstr("secret")));
  EXPECT_EQ(ok(queue.count(alice)), 5u);
}

TEST_F(offline_messages, refuses_to_queue_what_nobody_could_read_back) {
  EXPECT_EQ(fault(queue.push(alice, {{"content", "\xc3\x28"}})).code, errc::invalid_argument);
  EXPECT_EQ(probe("EXISTS", "ws:offline_messages:alice"), "0");
}

TEST_F(offline_messages, takes_a_large_message) {
  std::string const large(1 << 20, 'x');
  ok(queue.push(alice, {{"content", large}}));
  EXPECT_EQ(probe("LINDEX", "ws:offline_messages:alice", "0").size(),
            large.size() + std::string_view{R"({"content":""})"}.size());
  EXPECT_EQ(ok(queue.all(alice)).at(0).at("content").as_string(), large);
}

TEST_F(offline_messages, keeps_odd_ids_apart) {
  for (auto const id : support::odd_ids) ok(queue.push(user_id{id}, {{"to", id}}));
  EXPECT_EQ(probe("DBSIZE"), std::to_string(support::odd_ids.size()));
  for (auto const id : support::odd_ids) {
    EXPECT_EQ(probe("LLEN", "ws:offline_messages:" + std::string{id}), "1");
    EXPECT_THAT(ok(queue.all(user_id{id})), ElementsAre(json::object{{"to", id}}));
  }
}

TEST_F(offline_messages, never_reads_an_error_as_an_empty_queue) {
  probe("SET", "ws:offline_messages:alice", "a string");
  for (auto const& e : {fault(queue.push(alice, {})), fault(queue.all(alice)), fault(queue.count(alice))}) {
    EXPECT_THAT(e.text, AllOf(HasSubstr("WRONGTYPE"), HasSubstr("ws:offline_messages:alice)")));
  }
}
