// SPDX-License-Identifier: Apache-2.0
// Where a gateway listens, as an option says it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "gateway/door/door.hpp"

namespace hiky::gateway {

// `HOST:PORT` (HOST may be [IPv6]; PORT 0 lets the kernel choose) or `unix:PATH[,mode=OCTAL][,group=NAME]`.
struct listen_address {
  std::string host, unix_path;
  std::uint16_t port = 0;
  std::optional<unsigned> mode{};  // of a Unix socket: who may connect; none: what the umask leaves
  std::string group{};             // of a Unix socket; empty: the process's
  door to = door::everything;
  bool is_loopback() const;
  std::string to_string() const;
};

result<listen_address> parse_listen_address(std::string_view text);

}  // namespace hiky::gateway
