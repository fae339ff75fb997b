// SPDX-License-Identifier: Apache-2.0
// The target of an API request, taken apart: path segments and query, percent-decoded. Pure.
#pragma once
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hiky::gateway {

inline constexpr std::string_view api_prefix = "/api/v1";

// Whether `path` (without query) is the API's.
bool is_api_path(std::string_view path);

struct api_target {
  std::vector<std::string> segments;  // behind /api/v1; valid UTF-8
  std::vector<std::pair<std::string, std::string>> query;
};

// `target` is the API's. The error says what is wrong with it.
std::expected<api_target, std::string> parse_api_target(std::string_view target);

// The values of `{…}` in `pattern` (`/rooms/{room}/members/{user}`), or nothing when the path is another one.
std::optional<std::vector<std::string>> match_pattern(std::string_view pattern,
                                                      std::vector<std::string> const& segments);

// The names of `{…}` in `pattern`, in order.
std::vector<std::string_view> names_in(std::string_view pattern);

}  // namespace hiky::gateway
