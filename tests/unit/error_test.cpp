// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include <gtest/gtest.h>

using namespace hiky;

namespace {
error said(std::string text) { return {errc::server_error, std::move(text)}; }
}  // namespace

TEST(error, a_redis_that_refuses_writes_is_known_by_its_words) {
  for (auto const* text :
       {"OOM command not allowed when used memory > 'maxmemory'.",
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        "READONLY You can't write against a read only replica.", "NOREPLICAS Not enough good replicas to write.",
        "ERR Error running script (call to f_0): @user_script:4: @user_script: 4: -OOM command not allowed",
        "Redis takes no writes: READONLY You can't write against a read only replica. script: 0, on @user_script:1."}) {
    EXPECT_TRUE(refuses_writes(said(text))) << text;
    EXPECT_TRUE(is_transient(said(text))) << text;
    EXPECT_EQ(unavailability(said(text)), "the storage refuses writes right now; try again in a moment");
  }
}

TEST(error, a_redis_that_is_away_is_not_one_that_refuses_writes) {
  error const hangs{errc::timeout, "Redis did not answer in time (EVALSHA ws:room_head:tea)"};
  EXPECT_FALSE(refuses_writes(hangs));
  EXPECT_EQ(unavailability(hangs), "the server can't reach its storage right now; try again in a moment");
  EXPECT_TRUE(is_transient(said("LOADING Redis is loading the dataset in memory")));
  EXPECT_TRUE(is_transient(said("BUSY Redis is busy running a script.")));
  EXPECT_TRUE(is_transient(said("redis://x refused the login: LOADING Redis is loading the dataset in memory")));
}

TEST(error, the_name_of_a_room_is_not_taken_for_words_of_redis) {
  for (auto const* room : {"BOOM", "OOM ", "BUSY", "x READONLY y", "LOADING"}) {
    auto const wrong =
        said(std::string{"WRONGTYPE Operation against a key holding the wrong kind of value (HGET ws:room_head:"} +
             room + ")");
    EXPECT_FALSE(is_transient(wrong)) << room;
    EXPECT_FALSE(refuses_writes(wrong)) << room;
    EXPECT_FALSE(
        refuses_writes({errc::timeout, std::string{"Redis did not answer in time (HGET ws:room_head:"} + room + ")"}))
        << room;
  }
}
