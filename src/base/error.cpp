// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include <algorithm>
#include <initializer_list>

namespace hiky {

std::string_view to_string(errc code) {
  switch (code) {
    case errc::invalid_argument: return "invalid_argument";
    case errc::not_connected: return "not_connected";
    case errc::timeout: return "timeout";
    case errc::overloaded: return "overloaded";
    case errc::server_error: return "server_error";
    case errc::unexpected_reply: return "unexpected_reply";
    case errc::not_found: return "not_found";
    case errc::not_member: return "not_member";
    case errc::conflict: return "conflict";
    case errc::io: return "io";
  }
  return "unknown";
}

namespace {

// Whether `text` has one of Redis's own codes: in front, behind our words, or behind those about a script, as Redis 6
// has it. Elsewhere the letters are of a key: a room may be called BOOM.
bool has_code(std::string_view text, std::initializer_list<std::string_view> codes) {
  return std::ranges::any_of(codes, [&](std::string_view code) {
    for (auto at = text.find(code); at != text.npos; at = text.find(code, at + 1)) {
      auto const before = text.substr(0, at);
      if (before.empty() || before.ends_with(": ") || before.ends_with(": -")) return true;
    }
    return false;
  });
}

// Error replies that a healthy Redis gives only for a while: loading, failing over or busy.
bool server_will_recover(std::string_view text) {
  return has_code(text, {"LOADING", "BUSY", "TRYAGAIN", "MASTERDOWN", "CLUSTERDOWN"});
}

}  // namespace

bool is_transient(error const& e) {
  switch (e.code) {
    case errc::not_connected:
    case errc::timeout:
    case errc::overloaded: return true;
    case errc::server_error: return server_will_recover(e.text) || refuses_writes(e);
    default: return false;
  }
}

bool refuses_writes(error const& e) { return has_code(e.text, {"OOM ", "MISCONF ", "READONLY ", "NOREPLICAS "}); }

std::string_view unavailability(error const& e) {
  return refuses_writes(e) ? "the storage refuses writes right now; try again in a moment"
                           : "the server can't reach its storage right now; try again in a moment";
}

}  // namespace hiky
