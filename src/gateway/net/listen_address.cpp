// SPDX-License-Identifier: Apache-2.0
#include "gateway/net/listen_address.hpp"

#include <fmt/format.h>
#include <sys/un.h>
#include <boost/asio/ip/address.hpp>

#include <charconv>

#include "base/async.hpp"

namespace hiky::gateway {

using boost::system::error_code;

bool listen_address::is_loopback() const {
  if (!unix_path.empty()) return true;
  error_code ec;
  auto const address = asio::ip::make_address(host, ec);
  return ec ? host == "localhost" : address.is_loopback();
}

std::string listen_address::to_string() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

result<listen_address> parse_listen_address(std::string_view text) {
  listen_address out;
  auto const wrong = [&](std::string_view what) {
    return fail(errc::invalid_argument,
                fmt::format("'{}' {}; expected HOST:PORT or unix:PATH[,mode=OCTAL][,group=NAME]", text, what));
  };
  if (text.starts_with("unix:")) {
    // A path may hold commas; what follows the last ones is ours if it says so.
    auto path = text.substr(5);
    for (auto comma = path.rfind(','); comma != std::string_view::npos; comma = path.rfind(',')) {
      auto const word = path.substr(comma + 1);
      if (word.starts_with("group=")) {
        out.group = word.substr(6);
        if (out.group.empty()) return wrong("has a group without a name");
      } else if (word.starts_with("mode=")) {
        unsigned mode = 0;
        auto const digits = word.substr(5);
        auto const [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), mode, 8);
        if (ec != std::errc{} || end != digits.data() + digits.size() || mode > 0777)
          return wrong("has a mode that is not octal, like 0660");
        out.mode = mode;
      } else {
        break;
      }
      path = path.substr(0, comma);
    }
    out.unix_path = path;
    if (out.unix_path.empty() || out.unix_path.size() >= sizeof(sockaddr_un::sun_path))
      return wrong("has no usable path (1 to 107 bytes)");
    return out;
  }
  auto const colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong("has no port");
  auto const port = text.substr(colon + 1);
  unsigned number = 0;
  auto const [end, ec] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (ec != std::errc{} || end != port.data() + port.size() || number > 65535)
    return wrong("has no port from 0 to 65535");
  out.port = static_cast<std::uint16_t>(number);
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  error_code bad;
  asio::ip::make_address(host, bad);
  if (bad) return wrong("names no IP address");
  out.host = host;
  return out;
}

}  // namespace hiky::gateway
