// SPDX-License-Identifier: Apache-2.0
#include "directory/foreign_text.hpp"

#include <cstddef>

namespace hiky::directory {
namespace {

// Bytes of the character at the start of `text`, which is not empty; 0 when there is none.
std::size_t character_size(std::string_view text) {
  auto const at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  auto const continues = [&](std::size_t i) { return (at(i) & 0xc0u) == 0x80u; };
  auto const first = at(0), second = at(1);
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return continues(1) ? 2 : 0;
  if (first < 0xf0) {
    bool const too_long = first == 0xe0 && second < 0xa0, surrogate = first == 0xed && second > 0x9f;
    return continues(1) && continues(2) && !too_long && !surrogate ? 3 : 0;
  }
  if (first < 0xf5) {
    bool const too_long = first == 0xf0 && second < 0x90, too_high = first == 0xf4 && second > 0x8f;
    return continues(1) && continues(2) && continues(3) && !too_long && !too_high ? 4 : 0;
  }
  return 0;
}

// Size of the longest valid prefix.
std::size_t valid_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    auto const size = character_size(text.substr(at));
    if (size == 0) break;
    at += size;
  }
  return at;
}

}  // namespace

bool is_utf8(std::string_view text) { return valid_prefix(text) == text.size(); }

std::string mended_utf8(std::string text) {
  auto good = valid_prefix(text);
  if (good == text.size()) return text;
  std::string out;
  std::string_view rest{text};
  while (good < rest.size()) {
    out.append(rest.substr(0, good)).append("\xef\xbf\xbd");
    rest.remove_prefix(good + 1);
    good = valid_prefix(rest);
  }
  return out.append(rest);
}

}  // namespace hiky::directory
