// SPDX-License-Identifier: Apache-2.0
// Where the server listens, and opening sockets to it. Loopback only: this program makes more load than a network
// should see.
#pragma once
#include <netinet/in.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace hiky::load {

struct endpoint {
  sockaddr_in address{};
  std::string authority;  // host:port, for the Host header
  std::string path;
  bool compress = false;  // offer permessage-deflate
};

// Reads ws://127.x.y.z:PORT/path; none if `url` is anything else.
std::optional<endpoint> parse_url(std::string_view url);

// A non-blocking socket whose connect is under way, or -1 with errno. `ordinal` counts the connections of this process:
// every 20,000 take the next source address (127.0.0.1, 127.0.0.2, …), because an address has only some 28,000 ports to
// lend.
int begin_connect(endpoint const& to, std::size_t ordinal);

// A listening socket on a free port of 127.0.0.1, and where it is.
int listen_on_loopback(sockaddr_in& where);

// Raises the limit of open files as far as allowed; returns the limit in force.
std::size_t raise_file_limit(std::size_t wanted);

}  // namespace hiky::load
