// SPDX-License-Identifier: Apache-2.0
// Where a Redis is and how to log in.
#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hiky::redis {

struct address {
  std::string host = "127.0.0.1";
  std::string port = "6379";
  std::string unix_path{};  // wins over host and port when set
  struct host_port {
    std::string host, port;
  };
  std::vector<host_port> sentinels{};  // when set, they are asked where `master` is, at every connect
  std::string master{};
  std::string user{};
  std::string password{};
  int database = 0;
  bool tls = false;       // with certificate checks; never for Unix sockets and Sentinels
  std::string ca_file{};  // authorities in PEM; empty: the system's
  std::string client_name = "hiky";
  std::chrono::milliseconds deadline{2000};  // of one request, from submit to answer
  std::chrono::milliseconds connect_deadline{2000};

  // For people and logs: never the password.
  std::string to_string() const;
};

// `redis://[user[:password]@]host[:port][/db]`, the same with `rediss://` (TLS), `unix://PATH`, or
// `redis+sentinel://[user[:password]@]host[:port],host[:port],…/NAME` (user and password are for the master). Percent-encoding is undone in user and
// password.
result<address> parse_address(std::string_view url);

}  // namespace hiky::redis
