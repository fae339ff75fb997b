// SPDX-License-Identifier: Apache-2.0
// Mode `session`: the logins of an existing Node application, made by express-session and kept by connect-redis.
#pragma once
#include "auth/authenticator.hpp"
#include "redis/client.hpp"

namespace hiky::auth {

struct session_settings {
  std::vector<std::string> secrets{};  // the newest first; any of them will do
  std::string cookie{"connect.sid"};
  std::string prefix{"sess:"};
  std::string user_path{"passport.user"};
};

class sessions final : public authenticator {
 public:
  // `where` names the database that connect-redis writes to.
  sessions(asio::any_io_executor executor, redis::address where, session_settings settings);
  ~sessions() override { redis_.stop(); }
  task<verdict<std::optional<identity>>> identify(credentials shown) override;
  task<result<std::vector<verdict<identity>>>> look_again(std::vector<std::string> sessions) override;
  redis::counters const& counts() const { return redis_.counts(); }
  std::string expected() const override { return "a session: log in first, so that the handshake carries its cookie"; }

 private:
  verdict<identity> judge(std::string id, redis::value stored, redis::value life) const;

  redis::client redis_;
  session_settings settings_;
};

}  // namespace hiky::auth
