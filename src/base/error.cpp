// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

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

// Error replies that a healthy Redis gives only for a while: loading, failing over, busy, or out of memory.
bool server_will_recover(std::string_view text) {
  for (std::string_view prefix : {"LOADING", "READONLY", "OOM", "BUSY", "TRYAGAIN", "MASTERDOWN", "CLUSTERDOWN", "MISCONF", "NOREPLICAS"}) {
    if (text.contains(prefix)) return true;
  }
  return false;
}

}  // namespace

bool is_transient(error const& e) {
  switch (e.code) {
    case errc::not_connected:
    case errc::timeout:
    case errc::overloaded: return true;
    case errc::server_error: return server_will_recover(e.text);
    default: return false;
  }
}

}  // namespace hiky
