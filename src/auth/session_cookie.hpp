// SPDX-License-Identifier: Apache-2.0
// The cookie of express-session, and the session that connect-redis keeps for it. Pure.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/authenticator.hpp"

namespace hiky::auth {

// The value of the first cookie of this name in a Cookie header, as it stands there, without quotes around it.
std::optional<std::string_view> cookie_value(std::string_view header, std::string_view name);

// The session id of a cookie's value: `s:ID.SIGNATURE`, percent-encoded, signed with one of the secrets. Nothing if it
// is not.
std::optional<std::string> signed_session_id(std::string_view value, std::vector<std::string> const& secrets);

// The user who is logged in, by the session's JSON: the text or whole number at `path`, whose names have dots between
// them. `life`: how long Redis will keep the session, and that counts. Nothing: for ever, and then its cookie's expiry
// counts.
// invalid_argument: no user is logged in, or not any more.
verdict<identity> read_session(std::string_view json, std::string_view path,
                               std::optional<std::chrono::milliseconds> life,
                               std::chrono::system_clock::time_point now);

}  // namespace hiky::auth
