// SPDX-License-Identifier: Apache-2.0
#include "gateway/http/request_head.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>

#include "gateway/http/header_list.hpp"

namespace hiky::gateway {

namespace http = boost::beast::http;

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
         std::string_view{"-._~!$&'()*+,;=%"}.contains(c);
}

// HOST[:PORT] as RFC 3986 section 3.2 writes them; HOST may be empty, where a header says so.
bool is_authority(std::string_view text) {
  auto const bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  auto const end = std::min(text.find(':', bracket == std::string_view::npos ? 0 : bracket), text.size());
  auto const host = text.substr(0, end);
  if (!std::ranges::all_of(text.substr(std::min(end + 1, text.size())), is_digit)) return false;
  if (!text.starts_with('[')) return std::ranges::all_of(host, of_name);
  return host.size() > 2 && host.ends_with(']') &&
         std::ranges::all_of(host.substr(1, host.size() - 2), [](char c) { return is_hex(c) || c == ':' || c == '.'; });
}

// The path and query of an absolute target; of any other, itself. Nothing: the target names no host.
std::optional<std::string> path_and_query(std::string_view target, std::string& host) {
  auto const has = [&](std::string_view scheme) {
    return boost::beast::iequals(target.substr(0, scheme.size()), scheme);
  };
  auto const scheme = has("http://") ? 7U : has("https://") ? 8U : 0U;
  if (scheme == 0) return std::string{target};
  target.remove_prefix(scheme);
  auto const end = std::min(target.find_first_of("/?#"), target.size());
  host = target.substr(0, end);
  if (host.empty() || host.starts_with(':') || !is_authority(host)) return std::nullopt;
  target.remove_prefix(end);
  return (target.starts_with('/') ? "" : "/") + std::string{target};
}

}  // namespace

std::optional<request_fault> settle_head(http_request& head) {
  auto const bad = [](std::string why) { return request_fault{http::status::bad_request, std::move(why)}; };
  // Beast has seen that `chunked` comes last, or where a body ends nobody knows, and that there is no length beside it.
  if (auto const codings = elements_of(head, http::field::transfer_encoding); !codings.empty()) {
    if (head.version() < 11) return bad("HTTP/1.0 has no Transfer-Encoding");
    if (codings.size() > 1)
      return request_fault{http::status::not_implemented, "no Transfer-Encoding but chunked is understood here"};
  }
  auto const hosts = head.count(http::field::host);
  if (hosts > 1) return bad("there is more than one Host header");
  if (hosts == 0 && head.version() >= 11) return bad("the Host header is missing");
  if (!is_authority(head[http::field::host])) return bad("the Host header is not HOST[:PORT]");
  std::string host;
  auto const path = path_and_query(head.target(), host);
  if (!path) return bad("the target names no host");
  if (host.empty()) return std::nullopt;
  head.set(http::field::host, host);
  head.target(*path);
  return std::nullopt;
}

void settle_method(http_request& head, std::string_view bytes) {
  if (head.method_string().empty() && bytes.starts_with("HEAD ")) head.method(http::verb::head);
}

}  // namespace hiky::gateway
