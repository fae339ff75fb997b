// SPDX-License-Identifier: Apache-2.0
#include "state/document/utility.hpp"

#include "support/with_redis.hpp"

using namespace hiky;
using namespace testing;

namespace {

struct utility : support::with_redis {
  state::utility util{redis};
};

}  // namespace

TEST_F(utility, cleanup_removes_every_key_under_ws_and_no_other) {
  probe("MSET", "ws:a", "1", "ws:", "2", "ws:with space ☕", "3", "ws", "4", "xws:a", "5", "WS:a", "6", "session:1",
        "7");
  probe("SADD", "ws:online_users", "alice");
  probe("HSET", "ws:clients", "alice", "{}");
  probe("XADD", "ws:room_log:tea", "1-0", "a", "b");
  EXPECT_EQ(ok(util.cleanup()), 6u);
  EXPECT_THAT(probe.list("KEYS", "*"), UnorderedElementsAre("ws", "xws:a", "WS:a", "session:1"));
}

TEST_F(utility, cleanup_leaves_other_databases_alone) {
  for (auto const database : {"0", "2", "3"}) {
    probe("SELECT", database);
    probe("SET", "ws:mine", "1");
  }
  probe("SELECT", "1");
  probe("SET", "ws:mine", "1");
  EXPECT_EQ(ok(util.cleanup()), 1u);
  EXPECT_EQ(probe("DBSIZE"), "0");
  for (auto const database : {"0", "2", "3"}) {
    probe("SELECT", database);
    EXPECT_EQ(probe("DBSIZE"), "1") << database;
  }
}

TEST_F(utility, cleanup_removes_many_thousands_in_batches_without_keys_or_del) {
  for (int i = 0; i < 12'000; i += 500) {
    std::vector<std::string> words{"MSET"};
    for (int k = i; k < i + 500; ++k) {
      words.push_back((k % 4 == 0 ? "other:" : "ws:room_participants:") + std::to_string(k));
      words.push_back("x");
    }
    probe.ask({words.begin(), words.end()});
  }
  probe("CONFIG", "RESETSTAT");
  auto const before = redis.counts().requests.load();
  EXPECT_EQ(ok(util.cleanup()), 9'000u);
  EXPECT_EQ(probe("DBSIZE"), "3000");
  EXPECT_LE(redis.counts().requests - before, 25u);
  auto const commands = probe("INFO", "commandstats");
  EXPECT_THAT(commands, AllOf(HasSubstr("cmdstat_scan:"), HasSubstr("cmdstat_unlink:")));
  EXPECT_THAT(commands, AllOf(Not(HasSubstr("cmdstat_keys:")), Not(HasSubstr("cmdstat_del:"))));
}

TEST_F(utility, cleanup_of_nothing_is_fine) { EXPECT_EQ(ok(util.cleanup()), 0u); }

TEST_F(utility, info_is_what_info_prints) {
  auto const text = ok(util.info());
  EXPECT_THAT(text, StartsWith("# Server\r\nredis_version:"));
  EXPECT_THAT(text, HasSubstr("\r\n# Keyspace\r\n"));
}

TEST_F(utility, ping_reaches_redis) {
  probe("CONFIG", "RESETSTAT");
  ok(util.ping());
  EXPECT_THAT(probe("INFO", "commandstats"), HasSubstr("cmdstat_ping:calls=1,"));
}
