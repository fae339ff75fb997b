// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace utf8 = hiky::utf8;
using namespace std::string_literals;

namespace {

std::string encoded(std::uint32_t point) {
  auto const byte = [](std::uint32_t bits) { return static_cast<char>(bits); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xc0 | point >> 6), byte(0x80 | (point & 63))};
  if (point < 0x10000) return {byte(0xe0 | point >> 12), byte(0x80 | (point >> 6 & 63)), byte(0x80 | (point & 63))};
  return {byte(0xf0 | point >> 18), byte(0x80 | (point >> 12 & 63)), byte(0x80 | (point >> 6 & 63)),
          byte(0x80 | (point & 63))};
}

// The definition by numbers: decode each character, encode it again, and demand the same bytes.
bool valid_by_definition(std::string_view text) {
  while (!text.empty()) {
    auto const lead = static_cast<unsigned char>(text[0]);
    std::size_t const size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (text.size() < size) return false;
    std::uint32_t point = size == 1 ? lead : lead & (0x7fu >> size);
    for (std::size_t i = 1; i < size; ++i) point = point << 6 | (static_cast<unsigned char>(text[i]) & 63);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
    if (encoded(point) != text.substr(0, size)) return false;
    text.remove_prefix(size);
  }
  return true;
}

// The number of bytes, given one by one, after which the validator refuses the text.
std::optional<std::size_t> refused_after(std::string_view bytes) {
  utf8::validator text;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (!text.take(bytes.substr(i, 1))) return i + 1;
  return std::nullopt;
}

}  // namespace

TEST(utf8, takes_every_character_there_is_and_no_surrogate) {
  for (std::uint32_t point = 0; point <= 0x10ffff; ++point) {
    auto const surrogate = point >= 0xd800 && point <= 0xdfff;
    ASSERT_EQ(utf8::valid(encoded(point)), !surrogate) << std::hex << point;
  }
  EXPECT_FALSE(utf8::valid(encoded(0x110000)));
}

TEST(utf8, agrees_with_the_definition_on_all_short_byte_strings) {
  std::array<char, 3> bytes{};
  for (unsigned a = 0; a < 256; ++a)
    for (unsigned b = 0; b < 256; ++b) {
      bytes[0] = static_cast<char>(a);
      bytes[1] = static_cast<char>(b);
      ASSERT_EQ(utf8::valid({bytes.data(), 2}), valid_by_definition({bytes.data(), 2})) << a << ' ' << b;
      for (unsigned c :
           {0x00, 0x41, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xf0, 0xff}) {
        bytes[2] = static_cast<char>(c);
        ASSERT_EQ(utf8::valid({bytes.data(), 3}), valid_by_definition({bytes.data(), 3})) << a << ' ' << b << ' ' << c;
      }
    }
}

TEST(utf8, agrees_with_the_definition_on_four_bytes_at_every_border) {
  constexpr std::array<unsigned, 14> borders{0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0,
                                             0xbf, 0xc0, 0xdf, 0xe0, 0xef, 0xf0, 0xff};
  for (unsigned a = 0; a < 256; ++a)
    for (auto b : borders)
      for (auto c : borders)
        for (auto d : borders) {
          std::array const bytes{static_cast<char>(a), static_cast<char>(b), static_cast<char>(c),
                                 static_cast<char>(d)};
          std::string_view const text{bytes.data(), bytes.size()};
          ASSERT_EQ(utf8::valid(text), valid_by_definition(text)) << a << ' ' << b << ' ' << c << ' ' << d;
        }
}

TEST(utf8, says_no_at_the_first_byte_that_can_not_be_right) {
  struct {
    std::string bytes;
    std::optional<std::size_t> after;
  } const cases[] = {
      {"\x80"s, 1},          {"\xc0"s, 1},
      {"\xc1"s, 1},          {"\xf5"s, 1},
      {"\xff"s, 1},          {"a\xc3("s, 3},
      {"\xe0\x9f"s, 2},      {"\xed\xa0"s, 2},
      {"\xf0\x8f"s, 2},      {"\xf4\x90\x80\x80"s, 2},
      {"\xe2\x82("s, 3},     {"\xf0\x9f\x92("s, 4},
      {"\xc3\xa9\xa9"s, 3},  {"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90"s, 13},
      {"\xc3"s, {}},         {"\xe2\x82"s, {}},
      {"\xf0\x9f\x92"s, {}}, {"\xf4\x8f\xbf\xbf"s, {}},
  };
  for (auto const& [bytes, after] : cases) EXPECT_EQ(refused_after(bytes), after) << testing::PrintToString(bytes);
}

TEST(utf8, never_recovers_from_a_bad_byte) {
  utf8::validator text;
  EXPECT_FALSE(text.take("\xff"));
  EXPECT_FALSE(text.take("plain ascii that is long enough for the fast path of the validator"));
  EXPECT_FALSE(text.take(""));
  EXPECT_FALSE(text.complete());
}

TEST(utf8, a_text_may_not_end_inside_a_character) {
  for (auto const* part : {"\xc3", "\xe2\x82", "\xf0\x9f", "\xf0\x9f\x92"}) {
    utf8::validator text;
    EXPECT_TRUE(text.take(part));
    EXPECT_FALSE(text.complete());
    EXPECT_FALSE(utf8::valid(part));
  }
  EXPECT_TRUE(utf8::valid(""));
}

// Block sizes of the fast path must not show: one foreign character or byte, at each place of texts of each length.
TEST(utf8, finds_what_hides_anywhere_in_plain_text) {
  for (std::size_t size = 0; size < 200; ++size)
    for (std::size_t at = 0; at <= size; ++at) {
      auto const with = [&](std::string_view guest) {
        return std::string(at, 'a').append(guest).append(size - at, 'z');
      };
      for (auto const* good : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x92\xa9"})
        ASSERT_TRUE(utf8::valid(with(good))) << size << ' ' << at;
      for (auto const* wrong : {"\x80", "\xc3", "\xed\xa0\x80", "\xf0\x9f\x92"})
        ASSERT_FALSE(utf8::valid(with(wrong))) << size << ' ' << at;
    }
}

TEST(utf8, plain_text_does_not_bridge_a_broken_character) {
  for (std::size_t size = 1; size < 150; ++size) {
    std::string const plain(size, 'a');
    utf8::validator pieces;
    EXPECT_TRUE(pieces.take("\xc3"));
    ASSERT_FALSE(pieces.take(plain)) << size;
    ASSERT_FALSE(utf8::valid("\xc3" + plain + "\xa9")) << size;
    ASSERT_FALSE(utf8::valid(std::string(31, 'a') + "\xe2\x82" + plain + "\xac")) << size;
  }
}

TEST(utf8, does_not_care_how_a_text_is_cut) {
  std::string text;
  for (std::size_t i = 0; i < 12; ++i) text.append("h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x92\xa9 ").append(i * 5, '.');
  std::vector<std::string> const texts{text, text + "\xed\xbf", text + "\xe2\x82"};
  for (std::string_view const whole : texts)
    for (std::size_t i = 0; i <= whole.size(); ++i)
      for (std::size_t j : {i, i + 1, i + 2, i + 33}) {
        if (j > whole.size()) continue;
        utf8::validator pieces;
        pieces.take(whole.substr(0, i));
        pieces.take(whole.substr(i, j - i));
        pieces.take(whole.substr(j));
        ASSERT_EQ(pieces.complete(), valid_by_definition(whole)) << i << ' ' << j;
      }
}

TEST(utf8, cuts_between_characters) {
  EXPECT_EQ(utf8::cut("kettle", 6), "kettle");
  EXPECT_EQ(utf8::cut("kettle", 3), "ket");
  EXPECT_EQ(utf8::cut("caf\xc3\xa9", 4), "caf");
  EXPECT_EQ(utf8::cut("caf\xc3\xa9!", 5), "caf\xc3\xa9");
  EXPECT_EQ(utf8::cut("\xf0\x9f\x92\xa9", 3), "");
  EXPECT_EQ(utf8::cut("\xe2\x82\xac\xe2\x82\xac", 5), "\xe2\x82\xac");
  EXPECT_EQ(utf8::cut("", 0), "");
}
