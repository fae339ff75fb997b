// SPDX-License-Identifier: Apache-2.0
#include "stamp.hpp"

#include <charconv>

#include <fmt/format.h>

namespace hiky::load {
namespace {
constexpr char mark = '~';
constexpr std::size_t digits = 16;
constexpr std::string_view words = "the kettle is on, bring biscuits and the blue cups; ";
}  // namespace

std::string stamped_content(std::size_t bytes, std::int64_t sent_ns) {
  std::string content = fmt::format("{}{:016x}{}", mark, sent_ns, mark);
  while (content.size() < bytes) content += words.substr(0, bytes - content.size());
  return content;
}

std::optional<std::int64_t> stamp_of(std::string_view text) {
  std::size_t const at = text.find(mark);
  if (at == std::string_view::npos || text.size() < at + digits + 2) return std::nullopt;
  std::int64_t sent = 0;
  char const* const first = text.data() + at + 1;
  auto const [rest, fault] = std::from_chars(first, first + digits, sent, 16);
  if (fault != std::errc{} || *rest != mark) return std::nullopt;
  return sent;
}

}  // namespace hiky::load
