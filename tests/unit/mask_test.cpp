// SPDX-License-Identifier: Apache-2.0
#include "gateway/ws/mask.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

using hiky::gateway::mask;

namespace {

constexpr std::array<char, 4> key_bytes{'\x12', '\xf4', '\x56', '\x9a'};

std::uint32_t key() {
  std::uint32_t key;
  std::memcpy(&key, key_bytes.data(), sizeof key);
  return key;
}

std::string some(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + 5);
  return bytes;
}

std::string masked(std::string bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(bytes[i] ^ key_bytes[i % 4]);
  return bytes;
}

}  // namespace

TEST(mask, covers_each_byte_and_no_other_at_every_size_and_alignment) {
  for (std::size_t size = 0; size < 150; ++size)
    for (std::size_t offset = 0; offset < 9; ++offset) {
      auto const plain = some(size);
      std::vector<char> from(offset + size + 1, '#'), to(offset + size + 1, '#');
      std::memcpy(from.data() + offset, plain.data(), size);
      mask(to.data() + offset, from.data() + offset, size, key());
      ASSERT_EQ((std::string_view{to.data(), to.size()}), std::string(offset, '#') + masked(plain) + '#')
          << size << ' ' << offset;
      mask(from.data() + offset, from.data() + offset, size, key());
      ASSERT_EQ(from, to) << size << ' ' << offset;
    }
}

TEST(mask, goes_on_where_it_stopped) {
  auto const plain = some(200);
  for (std::size_t first = 0; first < 80; ++first)
    for (std::size_t second = 0; second < 80; ++second) {
      auto bytes = plain;
      auto next = mask(bytes.data(), bytes.data(), first, key());
      next = mask(bytes.data() + first, bytes.data() + first, second, next);
      mask(bytes.data() + first + second, bytes.data() + first + second, 200 - first - second, next);
      ASSERT_EQ(bytes, masked(plain)) << first << ' ' << second;
    }
}
