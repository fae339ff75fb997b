// SPDX-License-Identifier: Apache-2.0
#include "redis/address.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hiky;

TEST(redis_address, names_sentinels_with_and_without_tls) {
  auto const plain = redis::parse_address("redis+sentinel://one,two:26380/chat");
  ASSERT_TRUE(plain) << plain.error().text;
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->to_string(), "redis+sentinel://one:26379,two:26380/chat");
  auto const secure = redis::parse_address("rediss+sentinel://ann:se%40same@one,[::1]:26380/chat");
  ASSERT_TRUE(secure) << secure.error().text;
  EXPECT_TRUE(secure->tls);
  EXPECT_EQ(secure->user, "ann");
  EXPECT_EQ(secure->password, "se@same");
  EXPECT_EQ(secure->sentinels.back().host, "::1");
  EXPECT_EQ(secure->to_string().find("same"), std::string::npos) << "a password for people to read";
}

TEST(redis_address, refuses_a_text_that_only_looks_like_one) {
  for (auto const* url : {"rediss", "redisx://host", "rediss+sentinels://host/chat", "rediss+sentinel://host",
                          "http://host", "://host"}) {
    auto const parsed = redis::parse_address(url);
    EXPECT_FALSE(parsed) << url;
    if (!parsed) EXPECT_TRUE(parsed.error().text.contains("expected redis[s]://")) << parsed.error().text;
  }
}

TEST(redis_address, takes_files_of_tls_only_where_there_is_tls) {
  auto plain = redis::parse_address("redis+sentinel://one/chat");
  EXPECT_TRUE(plain->use({}));
  EXPECT_FALSE(plain->use({.authorities = "/nowhere.pem"}));
  auto secure = redis::parse_address("rediss+sentinel://one/chat");
  EXPECT_TRUE(secure->use({}));
  auto const half = secure->use({.key = "/nowhere.key"});
  ASSERT_FALSE(half);
  EXPECT_TRUE(half.error().text.starts_with("--redis-cert and --redis-key")) << half.error().text;
}

}  // namespace
