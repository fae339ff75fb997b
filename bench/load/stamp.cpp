// SPDX-License-Identifier: Apache-2.0
#include "stamp.hpp"

#include <array>
#include <charconv>
#include <cstdint>

#include <fmt/format.h>

namespace hiky::load {
namespace {
constexpr char mark = '~';
constexpr std::size_t digits = 16;
// The words come in an order that does not repeat, so that the text is no easier to compress than chat.
constexpr std::array<std::string_view, 64> words{
    "the ",    "kettle ", "is ",     "on, ",    "bring ",    "biscuits ", "and ",     "blue ",   "cups; ", "I ",
    "think ",  "we ",     "should ", "meet ",   "at ",       "noon, ",    "because ", "nobody ", "else ",  "has ",
    "time. ",  "later ",  "today ",  "maybe ",  "you ",      "could ",    "some ",    "of ",     "those ", "from ",
    "last ",   "week? ",  "please ", "tell ",   "Bob ",      "that ",     "room ",    "seven ",  "ok ",    "thanks! ",
    "great, ", "see ",    "there ",  "what ",   "about ",    "release ",  "notes ",   "it ",     "works ", "fine ",
    "now ",    "but ",    "logs ",   "show ",   "warnings ", "again. ",   "my ",      "train ",  "was ",   "delayed ",
    "by ",     "twenty ", "more ",   "minutes "};
}  // namespace

std::string stamped_content(std::size_t bytes, std::int64_t sent_ns) {
  std::string content = fmt::format("{}{:016x}{}", mark, sent_ns, mark);
  for (auto next = static_cast<std::uint64_t>(sent_ns); content.size() < bytes;) {
    next = next * 6364136223846793005 + 1442695040888963407;
    content += words[next >> 58].substr(0, bytes - content.size());
  }
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
