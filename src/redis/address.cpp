// SPDX-License-Identifier: Apache-2.0
#include "redis/address.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/tls.hpp"

namespace hiky::redis {
namespace {

constexpr std::string_view expected =
    "expected redis[s]://[user[:password]@]host[:port][/database], unix://PATH or "
    "redis[s]+sentinel://host[:port],…/NAME";

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
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

// Takes `user:password@` off the front of `rest`.
void take_login(std::string_view& rest, address& out) {
  auto const at = rest.rfind('@');
  if (at == std::string_view::npos) return;
  auto const login = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  auto const colon = login.find(':');
  out.user = percent_decoded(login.substr(0, colon));
  if (colon != std::string_view::npos) out.password = percent_decoded(login.substr(colon + 1));
}

result<address::host_port> parse_host(std::string_view text, std::string_view default_port) {
  address::host_port out{{}, std::string{default_port}};
  // The last colon, unless it is part of a bracketed IPv6 address.
  auto const colon = text.rfind(':');
  if (colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos) {
    int port = 0;
    if (!is_number(text.substr(colon + 1), port) || port < 1 || port > 65535) {
      return fail(errc::invalid_argument, fmt::format("'{}' is not a port; {}", text.substr(colon + 1), expected));
    }
    out.port = text.substr(colon + 1);
    text = text.substr(0, colon);
  }
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  if (text.empty()) return fail(errc::invalid_argument, fmt::format("a Redis URL needs a host; {}", expected));
  out.host = text;
  return out;
}

result<address> parse_sentinels(std::string_view rest, bool tls) {
  address out;
  out.tls = tls;
  take_login(rest, out);
  auto const slash = rest.find('/');
  out.master = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
  if (out.master.empty())
    return fail(errc::invalid_argument, fmt::format("a Sentinel URL needs the name of the master; {}", expected));
  for (auto hosts = rest.substr(0, slash); !hosts.empty();) {
    auto const comma = hosts.find(',');
    auto one = parse_host(hosts.substr(0, comma), "26379");
    if (!one) return std::unexpected(one.error());
    out.sentinels.push_back(std::move(*one));
    if (comma == std::string_view::npos) break;
    hosts.remove_prefix(comma + 1);
  }
  if (out.sentinels.empty())
    return fail(errc::invalid_argument, fmt::format("a Sentinel URL needs a host; {}", expected));
  return out;
}

}  // namespace

std::string address::to_string() const {
  if (!unix_path.empty()) return "unix://" + unix_path;
  if (sentinels.empty()) return fmt::format("{}://{}:{}", tls ? "rediss" : "redis", host, port);
  std::string out{tls ? "rediss+sentinel://" : "redis+sentinel://"};
  for (auto const& s : sentinels) out += fmt::format("{}{}:{}", out.ends_with('/') ? "" : ",", s.host, s.port);
  return out + "/" + master;
}

result<void> address::use(tls::client_files given) {
  for (auto const& [option, file] :
       {std::pair{"--redis-ca", &given.authorities}, {"--redis-cert", &given.cert}, {"--redis-key", &given.key}}) {
    if (!tls && !file->empty())
      return fail(errc::invalid_argument,
                  fmt::format("{}: only rediss:// has certificates; --redis names another URL", option));
  }
  if (!tls) return {};
  if (given.cert.empty() != given.key.empty()) {
    return fail(errc::invalid_argument, "--redis-cert and --redis-key belong together; give both");
  }
  if (auto const usable = tls::client_context(given); !usable) return std::unexpected(usable.error());
  files = std::move(given);
  return {};
}

result<address> parse_address(std::string_view url) {
  address out;
  if (url.starts_with("unix://")) {
    out.unix_path = url.substr(7);
    if (out.unix_path.empty())
      return fail(errc::invalid_argument, fmt::format("'{}' names no socket; {}", url, expected));
    return out;
  }
  auto const begin = url.find("://");
  auto const scheme = url.substr(0, begin);
  out.tls = scheme.starts_with("rediss");
  bool const sentinels = scheme == "redis+sentinel" || scheme == "rediss+sentinel";
  if (begin == std::string_view::npos || (!sentinels && scheme != "redis" && scheme != "rediss")) {
    return fail(errc::invalid_argument, fmt::format("'{}' is not a Redis URL; {}", url, expected));
  }
  auto rest = url.substr(begin + 3);
  if (sentinels) return parse_sentinels(rest, out.tls);
  take_login(rest, out);
  if (auto const slash = rest.find('/'); slash != std::string_view::npos) {
    auto const database = rest.substr(slash + 1);
    rest = rest.substr(0, slash);
    if (!database.empty() && (!is_number(database, out.database) || out.database < 0)) {
      return fail(errc::invalid_argument, fmt::format("'{}' is not a database number; {}", database, expected));
    }
  }
  auto at = parse_host(rest, "6379");
  if (!at) return std::unexpected(at.error());
  out.host = std::move(at->host);
  out.port = std::move(at->port);
  return out;
}

}  // namespace hiky::redis
