// SPDX-License-Identifier: Apache-2.0
#include "gateway/door/origin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "auth/authenticator.hpp"

namespace hiky::gateway {
namespace {

bool of_host(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-'; }

std::string lower(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

struct parts {
  std::string scheme, host, port;  // the port is never empty where the scheme has a usual one
};

// Nothing is expected behind the port. `scheme` may be missing, as in a Host header.
parts parts_of(std::string_view text, std::string_view usual_scheme = {}) {
  parts out;
  auto const slashes = text.find("://");
  out.scheme = lower(slashes == std::string_view::npos ? usual_scheme : text.substr(0, slashes));
  if (slashes != std::string_view::npos) text.remove_prefix(slashes + 3);
  auto const colon = text.rfind(':');
  bool const has_port = colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos;
  out.host = lower(text.substr(0, has_port ? colon : text.size()));
  out.port = has_port ? text.substr(colon + 1) : std::string_view{};
  if (out.port.empty()) out.port = out.scheme == "https" ? "443" : out.scheme == "http" ? "80" : "";
  return out;
}

// A `*` must not reach over what separates the parts of an origin.
bool matches_host(std::string_view pattern, std::string_view host) {
  return pattern == host || (std::ranges::all_of(host, of_host) && auth::matches(pattern, host));
}

}  // namespace

bool origin_allowed(std::string_view origin, std::string_view host, std::vector<std::string> const& patterns) {
  if (origin.empty()) return true;
  auto const from = parts_of(origin);
  if (patterns.empty()) {
    // Behind a proxy that ends TLS the schemes differ; a port that is not named is the usual one of the page's.
    auto const here = parts_of(host, from.scheme);
    return !from.host.empty() && from.host == here.host && from.port == here.port;
  }
  return std::ranges::any_of(patterns, [&](std::string const& pattern) {
    if (pattern == "*" || (pattern == "null" && origin == "null")) return true;
    auto const wanted = parts_of(pattern);
    return !from.host.empty() && wanted.scheme == from.scheme && wanted.port == from.port &&
           matches_host(wanted.host, from.host);
  });
}

result<std::string> parse_origin_pattern(std::string_view text) {
  if (text == "*" || text == "null") return std::string{text};
  auto const slashes = text.find("://");
  auto const rest = slashes == std::string_view::npos ? std::string_view{} : text.substr(slashes + 3);
  auto const made = parts_of(text);
  bool const good =
      slashes != 0 && !rest.empty() && !rest.contains('/') && std::ranges::all_of(made.scheme, of_host) &&
      !made.host.empty() && std::ranges::all_of(made.port, [](unsigned char c) { return std::isdigit(c); }) &&
      (made.host.starts_with('[') || std::ranges::all_of(made.host, [](char c) { return of_host(c) || c == '*'; }));
  if (!good) {
    return fail(errc::invalid_argument, fmt::format("'{}' is not an origin; expected SCHEME://HOST[:PORT] such as "
                                                    "https://chat.example or https://*.example, or * for all",
                                                    text));
  }
  return std::string{text};
}

}  // namespace hiky::gateway
