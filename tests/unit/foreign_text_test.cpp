// SPDX-License-Identifier: Apache-2.0
#include "directory/foreign_text.hpp"

#include <gtest/gtest.h>

#include <cstdint>

using namespace hiky::directory;

namespace {

std::string const replacement{"\xef\xbf\xbd"};

// The generalized UTF-8 of `code`, also of codes that have none.
std::string bytes_of(std::uint32_t code, int size) {
  if (size == 1) return {static_cast<char>(code)};
  std::string out;
  for (int i = 1; i < size; ++i, code >>= 6) out.insert(out.begin(), static_cast<char>(0x80 | (code & 0x3f)));
  out.insert(out.begin(), static_cast<char>((0xf00 >> size & 0xff) | code));
  return out;
}

}  // namespace

TEST(foreign_text, takes_every_character_there_is_in_its_shortest_form_only) {
  for (std::uint32_t code = 0; code < 0x140000; ++code) {
    int const shortest = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    bool const exists = code < 0x110000 && (code < 0xd800 || code > 0xdfff);
    ASSERT_EQ(is_utf8(bytes_of(code, shortest)), exists) << code;
    for (int size = shortest + 1; size <= 4; ++size)
      ASSERT_FALSE(is_utf8(bytes_of(code, size))) << code << " in " << size;
  }
}

TEST(foreign_text, leaves_valid_text_alone) {
  EXPECT_EQ(mended_utf8(""), "");
  EXPECT_EQ(mended_utf8("naïve ☕ 日本 👩‍👩‍👧"), "naïve ☕ 日本 👩‍👩‍👧");
}

TEST(foreign_text, replaces_each_byte_that_belongs_to_no_character) {
  EXPECT_EQ(mended_utf8("\xff"), replacement);
  EXPECT_EQ(mended_utf8("a\xff\xfe"
                        "b"),
            "a" + replacement + replacement + "b");
  EXPECT_EQ(mended_utf8("ends too soon \xe2\x98"), "ends too soon " + replacement + replacement);
  EXPECT_EQ(mended_utf8("\xc3\xa9\x80\xc3\xa9"), "\xc3\xa9" + replacement + "\xc3\xa9");
  EXPECT_TRUE(is_utf8(mended_utf8("\xed\xa0\x80\xc0\x80\xf5\x80")));
}
