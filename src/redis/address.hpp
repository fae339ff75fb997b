// SPDX-License-Identifier: Apache-2.0
// Where a Redis is and how to log in.
#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/tls_files.hpp"

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
  bool tls = false;  // with certificate checks, to Sentinels too; never for Unix sockets
  tls::client_files files{};
  std::string client_name = "hiky";
  std::chrono::milliseconds deadline{2000};  // of one request, from submit to answer
  std::chrono::milliseconds connect_deadline{2000};

  // For people and logs: never the password.
  std::string to_string() const;
  std::string_view login_name() const { return user.empty() ? std::string_view{"default"} : user; }
  // Takes the files of the options, if they can be read and the URL is one that uses them.
  result<void> use(tls::client_files given);
};

// `redis://[user[:password]@]host[:port][/db]`, the same with `rediss://` (TLS), `unix://PATH`, or
// `redis+sentinel://[user[:password]@]host[:port],host[:port],…/NAME`, with `rediss+sentinel://` over TLS to all of
// them; user and password are for the master, and for Sentinels that want a login. Percent-encoding is undone in user
// and password.
result<address> parse_address(std::string_view url);

}  // namespace hiky::redis
