// SPDX-License-Identifier: Apache-2.0
#include "base/ids.hpp"

#include <gtest/gtest.h>

#include <string>
#include <unordered_map>

using namespace hiky;
using namespace std::string_literals;

TEST(ids, are_one_to_128_bytes) {
  EXPECT_EQ(id_fault(""), "must not be empty");
  EXPECT_FALSE(id_fault("a"));
  EXPECT_FALSE(id_fault(std::string(128, 'a')));
  EXPECT_EQ(id_fault(std::string(129, 'a')), "must be at most 128 bytes of UTF-8");
  EXPECT_FALSE(id_fault(std::string(126, 'a') + "\xc3\xa9"));
  EXPECT_TRUE(id_fault(std::string(127, 'a') + "\xc3\xa9"));
}

TEST(ids, hold_no_control_characters) {
  for (int c = 0; c < 0x80; ++c) {
    auto const control = c < 0x20 || c == 0x7f;
    for (auto const& text :
         {std::string(1, static_cast<char>(c)), "a"s + static_cast<char>(c), static_cast<char>(c) + "z"s}) {
      EXPECT_EQ(id_fault(text).has_value(), control) << c;
    }
  }
}

// U+0080 to U+009F in UTF-8; U+00A0 follows.
TEST(ids, hold_no_control_characters_of_the_second_kind) {
  for (int c = 0x80; c < 0xc0; ++c) EXPECT_EQ(id_fault("a\xc2"s + static_cast<char>(c)).has_value(), c < 0xa0) << c;
  EXPECT_FALSE(id_fault("\xc3\x82\xe2\x82\x85"));
}

TEST(ids, may_hold_what_keys_and_json_are_made_of) {
  for (auto const* text : {":", "{}", "a:b{c}\"d\"", "'", " ", "\\", "*?[x]", "%d", "caf\xc3\xa9", "\xf0\x9f\x92\xa9"})
    EXPECT_FALSE(id_fault(text)) << text;
}

TEST(ids, are_found_by_a_view_of_their_text) {
  std::unordered_map<std::string, int, id_hash, std::equal_to<>> map{{"tea", 1}};
  EXPECT_TRUE(map.contains(std::string_view{room_id{"tea"}}));
  EXPECT_FALSE(map.contains(std::string_view{room_id{"te"}}));
  EXPECT_EQ(std::hash<room_id>{}(room_id{"tea"}), id_hash{}("tea"));
}

TEST(ids, of_two_kinds_are_not_exchanged) {
  EXPECT_FALSE((std::is_convertible_v<user_id, room_id>));
  EXPECT_FALSE((std::is_convertible_v<std::string, user_id>));
}
