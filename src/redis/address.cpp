// SPDX-License-Identifier: Apache-2.0
#include "redis/address.hpp"

#include <fmt/format.h>

#include <charconv>

namespace hiky::redis {
namespace {

constexpr std::string_view expected = "expected redis://[user[:password]@]host[:port][/database] or unix://PATH";

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '%' && i + 2 < text.size() + 0 &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr == text.data() + i + 3) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool is_number(std::string_view text, int& out) {
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string address::to_string() const {
  return unix_path.empty() ? fmt::format("redis://{}:{}", host, port) : "unix://" + unix_path;
}

result<address> parse_address(std::string_view url) {
  address out;
  if (url.starts_with("unix://")) {
    out.unix_path = url.substr(7);
    if (out.unix_path.empty()) return fail(errc::invalid_argument, fmt::format("'{}' names no socket; {}", url, expected));
    return out;
  }
  if (url.starts_with("rediss://")) {
    return fail(errc::invalid_argument, "rediss:// (TLS to Redis) is not supported by this version; use redis:// or unix://");
  }
  if (!url.starts_with("redis://")) return fail(errc::invalid_argument, fmt::format("'{}' is not a Redis URL; {}", url, expected));

  auto rest = url.substr(8);
  if (auto const at = rest.rfind('@'); at != std::string_view::npos) {
    auto const login = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    auto const colon = login.find(':');
    out.user = percent_decoded(login.substr(0, colon));
    if (colon != std::string_view::npos) out.password = percent_decoded(login.substr(colon + 1));
  }
  if (auto const slash = rest.find('/'); slash != std::string_view::npos) {
    auto const database = rest.substr(slash + 1);
    rest = rest.substr(0, slash);
    if (!database.empty() && (!is_number(database, out.database) || out.database < 0)) {
      return fail(errc::invalid_argument, fmt::format("'{}' is not a database number; {}", database, expected));
    }
  }
  // The last colon, unless it is part of a bracketed IPv6 address.
  auto const colon = rest.rfind(':');
  if (colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos) {
    int port = 0;
    if (!is_number(rest.substr(colon + 1), port) || port < 1 || port > 65535) {
      return fail(errc::invalid_argument, fmt::format("'{}' is not a port; {}", rest.substr(colon + 1), expected));
    }
    out.port = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
  }
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  if (rest.empty()) return fail(errc::invalid_argument, fmt::format("a Redis URL needs a host; {}", expected));
  out.host = rest;
  return out;
}

}  // namespace hiky::redis
