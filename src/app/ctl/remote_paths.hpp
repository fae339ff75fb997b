// SPDX-License-Identifier: Apache-2.0
// Paths and answers of the API, for remote_commands.hpp alone.
#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/encoding.hpp"
#include "base/json.hpp"

namespace hiky::ctl::over_api {

inline std::string of_user(std::string_view id, std::string_view what = "") {
  return fmt::format("/users/{}{}", percent_encoded(id), what);
}
inline std::string of_room(std::string_view id, std::string_view what = "") {
  return fmt::format("/rooms/{}{}", percent_encoded(id), what);
}

// A member that is a string; otherwise nothing.
inline std::string text(json::object const& from, std::string_view name) {
  auto const* found = from.if_contains(name);
  return found != nullptr && found->is_string() ? std::string{found->get_string()} : std::string{};
}

}  // namespace hiky::ctl::over_api
