// SPDX-License-Identifier: Apache-2.0
#include "gateway/api/target.hpp"

#include <gtest/gtest.h>

using namespace hiky::gateway;
using strings = std::vector<std::string>;

TEST(api_target, only_paths_below_the_prefix_are_the_apis) {
  EXPECT_TRUE(is_api_path("/api/v1"));
  EXPECT_TRUE(is_api_path("/api/v1/rooms"));
  for (auto const* path : {"/api/v10", "/api/v2/rooms", "/api", "/", "", "/x/api/v1/rooms"})
    EXPECT_FALSE(is_api_path(path)) << path;
}

TEST(api_target, segments_are_decoded_after_the_path_is_cut) {
  auto const found = parse_api_target("/api/v1/rooms/a%2Fb/members/%C3%A9+%25");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->segments, (strings{"rooms", "a/b", "members", "é+%"}));
  EXPECT_EQ(parse_api_target("/api/v1")->segments, strings{});
  EXPECT_EQ(parse_api_target("/api/v1/")->segments, strings{""});
  EXPECT_EQ(parse_api_target("/api/v1//x/")->segments, (strings{"", "x", ""}));
}

TEST(api_target, a_query_is_decoded_pair_by_pair) {
  auto const found = parse_api_target("/api/v1/typing?limit=3&x=a+b%26c=d&&flag&=e");
  ASSERT_TRUE(found);
  std::vector<std::pair<std::string, std::string>> const expected{
      {"limit", "3"}, {"x", "a b&c=d"}, {"flag", ""}, {"", "e"}};
  EXPECT_EQ(found->query, expected);
}

TEST(api_target, a_broken_escape_or_text_that_is_not_utf8_is_an_error_wherever_it_stands) {
  for (auto const* target : {"/api/v1/%", "/api/v1/%4", "/api/v1/%4g", "/api/v1/a%", "/api/v1/%ff", "/api/v1/x?%",
                             "/api/v1/x?a=%f", "/api/v1/x?a=%80"}) {
    EXPECT_FALSE(parse_api_target(target)) << target;
  }
}

TEST(api_target, a_pattern_matches_whole_paths_only) {
  EXPECT_EQ(match_pattern("/rooms/{room}/members/{user}", {"rooms", "tea", "members", "bob"}), (strings{"tea", "bob"}));
  EXPECT_EQ(match_pattern("/users/online", {"users", "online"}), strings{});
  for (auto const& other : {strings{"rooms", "tea", "members"}, strings{"rooms", "tea", "members", "bob", ""},
                            strings{"rooms", "tea", "joined", "bob"}, strings{}}) {
    EXPECT_EQ(match_pattern("/rooms/{room}/members/{user}", other), std::nullopt);
  }
  EXPECT_EQ(names_in("/rooms/{room}/members/{user}"), (std::vector<std::string_view>{"room", "user"}));
  EXPECT_TRUE(names_in("/users/online").empty());
}
