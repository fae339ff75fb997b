// SPDX-License-Identifier: Apache-2.0
// Senders that are no users: the server, and hikyctl. No client gets in under their names, even with a proof, or others
// would take a user's words for the server's.
#pragma once
#include <string_view>

namespace hiky::auth {

constexpr bool is_reserved(std::string_view user) { return user == "system" || user == "hikyctl"; }
inline constexpr std::string_view reserved_fault = "is a sender of the server's own, and no user";

}  // namespace hiky::auth
