// SPDX-License-Identifier: Apache-2.0
#include "gateway/door/origin.hpp"

#include <gtest/gtest.h>

using namespace hiky::gateway;

namespace {
bool same_host(std::string_view origin, std::string_view host) { return origin_allowed(origin, host, {}); }
bool allowed(std::string_view pattern, std::string_view origin) {
  return origin_allowed(origin, "here.example", {std::string{pattern}});
}
}  // namespace

TEST(origin, is_not_asked_of_those_who_are_no_browser) {
  EXPECT_TRUE(same_host("", "chat.example"));
  EXPECT_TRUE(allowed("https://chat.example", ""));
}

TEST(origin, must_be_the_same_host_when_nothing_is_configured) {
  EXPECT_TRUE(same_host("https://chat.example", "chat.example"));
  EXPECT_TRUE(same_host("http://chat.example", "chat.example"));
  EXPECT_TRUE(same_host("http://Chat.Example", "chat.example:80"));
  EXPECT_TRUE(same_host("https://chat.example:443", "chat.example"));
  EXPECT_TRUE(same_host("http://127.0.0.1:8080", "127.0.0.1:8080"));
  EXPECT_TRUE(same_host("http://[::1]:8080", "[::1]:8080"));
  for (auto const* origin :
       {"https://evil.example", "https://chat.example.evil", "https://xchat.example", "https://chat.example:8443",
        "null", "chat", "://", "https://", "https://chat.example@evil.example", "https://evil.example/chat.example"}) {
    EXPECT_FALSE(same_host(origin, "chat.example")) << origin;
  }
  EXPECT_FALSE(same_host("null", ""));
  EXPECT_FALSE(same_host("https://", ""));
  EXPECT_FALSE(same_host("http://127.0.0.1:3000", "127.0.0.1:8080"));
}

TEST(origin, may_be_what_a_pattern_says) {
  EXPECT_TRUE(allowed("https://chat.example", "https://chat.example"));
  EXPECT_TRUE(allowed("https://chat.example", "https://CHAT.example:443"));
  EXPECT_TRUE(allowed("https://*.example", "https://a.b.example"));
  EXPECT_TRUE(allowed("http://localhost:3000", "http://localhost:3000"));
  EXPECT_TRUE(allowed("*", "null"));
  EXPECT_TRUE(allowed("*", "https://anything.at.all"));
  EXPECT_TRUE(allowed("null", "null"));
  EXPECT_FALSE(allowed("https://*.example", "https://example"));
  EXPECT_FALSE(allowed("https://*.example", "https://evil/.example"));
  EXPECT_FALSE(allowed("https://*.example", "https://evil#.example"));
  EXPECT_FALSE(allowed("https://*.example", "https://a.example.evil"));
  EXPECT_FALSE(allowed("https://chat.example", "http://chat.example"));
  EXPECT_FALSE(allowed("https://chat.example", "https://chat.example:8443"));
  EXPECT_FALSE(allowed("https://chat.example", "null"));
  EXPECT_FALSE(allowed("https://chat.example", "https://here.example"))
      << "configured origins stand in the place of the same host";
}

TEST(origin, patterns_are_origins) {
  for (auto const* text : {"*", "null", "https://chat.example", "http://localhost:3000", "https://*.example",
                           "http://[::1]:8080", "capacitor://localhost"}) {
    EXPECT_TRUE(parse_origin_pattern(text)) << text;
  }
  for (auto const* text : {"", "chat.example", "https://", "https://chat.example/", "https://chat.example/x",
                           "https://a b", "https://x:port", "://x"}) {
    EXPECT_FALSE(parse_origin_pattern(text)) << text;
  }
}
