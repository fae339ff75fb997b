// SPDX-License-Identifier: Apache-2.0
// The options of the group "Identity": how clients prove who they are, and who may come from where.
#pragma once
#include <CLI/App.hpp>

#include <optional>
#include <string>
#include <vector>

#include "gateway/net/listener.hpp"
#include "gateway/worker.hpp"

namespace hiky::app {

class identity_options {
 public:
  explicit identity_options(CLI::App& app);
  // Reads the files that the options name. The text says what is wrong and which option it is.
  std::optional<std::string> apply(gateway::gateway_settings& to,
                                   std::vector<gateway::listen_address> const& listen) const;

 private:
  std::optional<std::string> apply_jwt(auth::gate_settings& to) const;
  std::optional<std::string> apply_session(auth::gate_settings& to) const;
  std::optional<std::string> apply_rooms(chat::room_policy_settings& to) const;
  std::optional<std::string> judge_open(std::vector<gateway::listen_address> const& listen) const;
  bool has(std::string_view mode) const;

  std::vector<std::string> auth_, origins_;
  bool allow_open_ = false;
  std::vector<std::string> jwt_keys_, audiences_;
  std::string jwks_, issuer_, jwt_user_claim_{"sub"};
  bool jwt_require_exp_ = true;
  unsigned leeway_ = 30, session_check_ = 10;
  auth::session_settings session_;
  std::string session_secret_;
  int session_database_ = 3, cache_database_ = 2;
  std::string room_policy_{"open"}, room_hook_, room_hook_key_;
  unsigned room_hook_ttl_ = 30, room_hook_timeout_ = 2000;
};

}  // namespace hiky::app
