// SPDX-License-Identifier: Apache-2.0
#include "base/encoding.hpp"

#include <gtest/gtest.h>

#include <random>

#include "auth/authenticator.hpp"

using namespace hiky;
using namespace std::string_literals;

TEST(encoding, reads_base64url_in_the_one_spelling_it_has) {
  EXPECT_EQ(from_base64url(""), "");
  EXPECT_EQ(from_base64url("Zg"), "f");
  EXPECT_EQ(from_base64url("Zm8"), "fo");
  EXPECT_EQ(from_base64url("Zm9v"), "foo");
  EXPECT_EQ(from_base64url("-_8"), "\xfb\xff");
  for (auto const* text : {"Z", "Zg==", "Zh", "Zm9", "+_8", "/_8", "Zm 9v", "Zm9v\n", "Zm9vZ"})
    EXPECT_EQ(from_base64url(text), std::nullopt) << text;
  EXPECT_EQ(from_base64url("Zm9v\0AA"s), std::nullopt);
}

TEST(encoding, writes_base64url_as_it_reads_it) {
  for (auto const* bytes : {"", "f", "fo", "foo", "\xfb\xff", "\xfb\xff\xbf"})
    EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes);
  EXPECT_EQ(to_base64url("\xfb\xff"), "-_8");
}

TEST(encoding, undoes_percent_encoding) {
  EXPECT_EQ(percent_decoded("a%2Bb%20c+%C3%A9"), "a+b c+é");
  EXPECT_EQ(percent_decoded("%00"), "\0"s);
  for (auto const* text : {"%", "%4", "a%4", "%zz", "%-1", "%+1", "% 1"})
    EXPECT_EQ(percent_decoded(text), std::nullopt) << text;
}

TEST(encoding, percent_encodes_all_that_a_path_or_query_reads) {
  EXPECT_EQ(percent_encoded("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encoded("a+b c/?#&=%é\0"s), "a%2Bb%20c%2F%3F%23%26%3D%25%C3%A9%00");
  for (auto const* text : {"", "100 %", "%41", "💬"}) EXPECT_EQ(percent_decoded(percent_encoded(text)), text);
}

TEST(patterns, are_the_text_itself_but_for_stars) {
  EXPECT_TRUE(auth::matches("tea", "tea"));
  EXPECT_FALSE(auth::matches("tea", "team"));
  EXPECT_FALSE(auth::matches("tea", "te"));
  EXPECT_TRUE(auth::matches("*", ""));
  EXPECT_TRUE(auth::matches("*", "anything at all"));
  EXPECT_TRUE(auth::matches("team:*", "team:"));
  EXPECT_FALSE(auth::matches("team:*", "tea"));
  EXPECT_TRUE(auth::matches("*:*:c", "a:b:b:c"));
  EXPECT_FALSE(auth::matches("a*b*c", "abcb"));
  EXPECT_FALSE(auth::matches("", "a"));
  EXPECT_TRUE(auth::matches("", ""));
  EXPECT_TRUE(auth::matches("a.c?", "a.c?"));
  EXPECT_FALSE(auth::matches("a.c", "abc"));
  EXPECT_FALSE(auth::matches("*a*a*a*a*a*a*b", std::string(128, 'a')));
}

// As one would say it, which takes too long for many stars.
bool said_simply(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*')
    return said_simply(pattern.substr(1), text) || (!text.empty() && said_simply(pattern, text.substr(1)));
  return !text.empty() && pattern[0] == text[0] && said_simply(pattern.substr(1), text.substr(1));
}

TEST(patterns, match_as_one_would_say_it_simply) {
  std::mt19937 random{20'260'131};
  auto const write = [&](std::string_view letters) {
    std::string out(random() % 9, ' ');
    for (auto& c : out) c = letters[random() % letters.size()];
    return out;
  };
  int found = 0;
  for (int i = 0; i < 50'000; ++i) {
    auto const pattern = write("aab**"), text = write("aab");
    ASSERT_EQ(auth::matches(pattern, text), said_simply(pattern, text)) << pattern << " and " << text;
    found += auth::matches(pattern, text);
  }
  EXPECT_GT(found, 1'000) << "the test tests something";
}
