// SPDX-License-Identifier: Apache-2.0
#include "gateway/api/target.hpp"

#include <algorithm>

#include "directory/foreign_text.hpp"

namespace hiky::gateway {
namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// In a query, `+` is a space: forms and URLSearchParams write it so.
std::expected<std::string, std::string> decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (text.size() - i < 3 || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0) {
      return std::unexpected(
          "a % in the path or query is not followed by two hexadecimal digits; write % itself as %25");
    }
    out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
    i += 2;
  }
  if (!directory::is_utf8(out)) return std::unexpected("the path or query is not UTF-8 once its %-escapes are undone");
  return out;
}

// Takes what stands before the next `separator` off the front.
std::string_view take(std::string_view& text, char separator) {
  auto const part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return part;
}

}  // namespace

bool is_api_path(std::string_view path) {
  return path.starts_with(api_prefix) && (path.size() == api_prefix.size() || path[api_prefix.size()] == '/');
}

std::expected<api_target, std::string> parse_api_target(std::string_view target) {
  api_target out;
  auto const question = target.find('?');
  auto path = target.substr(0, question);
  path.remove_prefix(std::min(path.size(), api_prefix.size()));
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    auto const end = std::min(path.find('/'), path.size());
    auto segment = decoded(path.substr(0, end), false);
    if (!segment) return std::unexpected(std::move(segment.error()));
    out.segments.push_back(std::move(*segment));
    path.remove_prefix(end);
  }
  auto query = question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);
  while (!query.empty()) {
    auto pair = take(query, '&');
    if (pair.empty()) continue;
    auto name = decoded(take(pair, '='), true);
    auto value = decoded(pair, true);
    if (!name || !value) return std::unexpected(std::move(name ? value.error() : name.error()));
    out.query.emplace_back(std::move(*name), std::move(*value));
  }
  return out;
}

std::optional<std::vector<std::string>> match_pattern(std::string_view pattern,
                                                      std::vector<std::string> const& segments) {
  std::vector<std::string> values;
  std::size_t at = 0;
  pattern.remove_prefix(1);
  while (!pattern.empty()) {
    auto const expected = take(pattern, '/');
    if (at == segments.size()) return std::nullopt;
    if (expected.starts_with('{')) values.push_back(segments[at]);
    else if (segments[at] != expected) return std::nullopt;
    ++at;
  }
  if (at != segments.size()) return std::nullopt;
  return values;
}

std::vector<std::string_view> names_in(std::string_view pattern) {
  std::vector<std::string_view> out;
  for (auto open = pattern.find('{'); open != std::string_view::npos; open = pattern.find('{', open + 1)) {
    out.push_back(pattern.substr(open + 1, pattern.find('}', open) - open - 1));
  }
  return out;
}

}  // namespace hiky::gateway
