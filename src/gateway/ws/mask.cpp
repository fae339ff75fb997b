// SPDX-License-Identifier: Apache-2.0
#include "gateway/ws/mask.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace hiky::gateway {
namespace {

// All loads stand before the stores: the compiler then uses vectors without asking whether `to` and `from` overlap.
template <std::size_t Words, class Word>
void mask_block(char* to, char const* from, Word key) {
  std::array<Word, Words> block;
  std::memcpy(block.data(), from, sizeof block);
  for (auto& word : block) word ^= key;
  std::memcpy(to, block.data(), sizeof block);
}

}  // namespace

std::uint32_t mask(char* to, char const* from, std::size_t size, std::uint32_t key) noexcept {
  auto const wide = std::uint64_t{key} << 32 | key;
  auto const end = from + size;
  for (; end - from >= 64; to += 64, from += 64) mask_block<8>(to, from, wide);
  for (; end - from >= 16; to += 16, from += 16) mask_block<2>(to, from, wide);
  for (; end - from >= 8; to += 8, from += 8) mask_block<1>(to, from, wide);
  if (end - from >= 4) {
    mask_block<1>(to, from, key);
    to += 4;
    from += 4;
  }
  auto const bytes = std::bit_cast<std::array<char, 4>>(key);
  auto const rest = end - from;
  for (int i = 0; i < rest; ++i) to[i] = static_cast<char>(from[i] ^ bytes[i]);
  auto const turn = static_cast<int>(rest) * 8;
  return std::endian::native == std::endian::little ? std::rotr(key, turn) : std::rotl(key, turn);
}

}  // namespace hiky::gateway
