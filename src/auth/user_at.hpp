// SPDX-License-Identifier: Apache-2.0
// The user whom an application's own JSON names: the claims of a token, or a session. Pure.
#pragma once
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/json.hpp"

namespace hiky::auth {

// `path`: names with dots between them. A name may hold dots itself (`https://app.example/user`): the longest one that
// is there counts. A whole number is the user of that number's digits. Nothing: no user is named. The error shows
// the value that stands there instead.
std::expected<std::optional<user_id>, std::string> user_at(json::object const& document, std::string_view path);

}  // namespace hiky::auth
