// SPDX-License-Identifier: Apache-2.0
// The configuration while it is read. A value that needs no judgement stands in `config` at once; everything else
// stands beside it as it was said, until judge.hpp has looked at all of it together.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/options/daemon_config.hpp"

namespace hiky::app {

struct draft {
  daemon_config config;
  bool print = false;  // --print-config

  struct {
    std::vector<std::string> listen, listen_admin, trusted_proxies;
    std::string demo, tls_cert, tls_key, batch_send;
  } network;
  struct {
    std::string where;
    int database = 0;
    tls::client_files files;
  } redis;
  struct {
    std::vector<std::string> auth, origins, jwt_keys;
    bool allow_open = false;
    std::string jwks, session_secret, room_hook, room_hook_key, api_key_file;
    auth::token_rules token;
    auth::session_settings session;
  } identity;
  struct {
    std::map<std::string_view, std::string> rates;  // by the option's name
    std::optional<std::uint64_t> memory_mib;
    bool of_addresses_said = false;  // one of those that leave out loopback otherwise
  } limits;
  std::string instance;
};

}  // namespace hiky::app
