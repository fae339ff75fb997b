// SPDX-License-Identifier: Apache-2.0
#include "directory/foreign_text.hpp"

#include <cstddef>

#include "base/utf8.hpp"

namespace hiky::directory {
namespace {

// Bytes of the character at the start of `text`, which is not empty; 0 when there is none.
std::size_t character_size(std::string_view text) {
  utf8::validator check;
  for (std::size_t size = 1; size <= text.size(); ++size) {
    if (!check.take(text.substr(size - 1, 1))) return 0;
    if (check.complete()) return size;
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

bool is_utf8(std::string_view text) { return utf8::valid(text); }

std::string mended_utf8(std::string text) {
  if (utf8::valid(text)) return text;
  std::string out;
  std::string_view rest{text};
  auto good = valid_prefix(rest);
  while (good < rest.size()) {
    out.append(rest.substr(0, good)).append("\xef\xbf\xbd");
    rest.remove_prefix(good + 1);
    good = valid_prefix(rest);
  }
  return out.append(rest);
}

}  // namespace hiky::directory
