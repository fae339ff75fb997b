// SPDX-License-Identifier: Apache-2.0
#include "gateway/door/shown_credentials.hpp"

#include <boost/beast/core/string.hpp>

#include "base/encoding.hpp"
#include "gateway/http/header_list.hpp"

namespace hiky::gateway {

namespace http = boost::beast::http;

namespace {

std::string from_header(http_request const& r) {
  constexpr std::string_view scheme = "Bearer ";
  std::string_view const value{r[http::field::authorization]};
  // Another scheme is somebody else's business, such as a proxy's.
  if (value.size() < scheme.size() || !boost::beast::iequals(value.substr(0, scheme.size()), scheme)) return {};
  return std::string{trimmed(value.substr(scheme.size()))};
}

std::string from_query(http_request const& r) {
  std::string_view const target{r.target()};
  auto const question = target.find('?');
  if (question == std::string_view::npos) return {};
  for (auto rest = target.substr(question + 1); !rest.empty();) {
    auto const end = std::min(rest.find('&'), rest.size());
    auto const pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    // Text that is not percent-encoded well is shown as it stands, and will be refused as a token.
    if (pair.starts_with("token=")) return percent_decoded(pair.substr(6)).value_or(std::string{pair.substr(6)});
  }
  return {};
}

std::string from_subprotocols(http_request const& r) {
  constexpr std::string_view prefix = "bearer.";
  for (auto const name : elements_of(r, http::field::sec_websocket_protocol)) {
    if (name.starts_with(prefix)) return std::string{name.substr(prefix.size())};
  }
  return {};
}

}  // namespace

auth::credentials shown_credentials(http_request const& r) {
  auth::credentials out;
  for (auto const place : {from_header, from_query, from_subprotocols}) {
    if (out.token.empty()) out.token = place(r);
  }
  // HTTP/1.1 has one Cookie header; what stands in a second one still counts as more of the same.
  auto const [first, last] = r.equal_range(http::field::cookie);
  for (auto it = first; it != last; ++it)
    ((out.cookies += out.cookies.empty() ? "" : "; ")) += std::string_view{it->value()};
  return out;
}

}  // namespace hiky::gateway
