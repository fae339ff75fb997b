// SPDX-License-Identifier: Apache-2.0
// Mode `jwt`: a signed token names its user.
#pragma once
#include "auth/authenticator.hpp"
#include "auth/jwt.hpp"
#include "auth/key_source.hpp"

namespace hiky::auth {

class tokens final : public authenticator {
 public:
  tokens(asio::any_io_executor executor, key_places places, token_rules rules, counters& count)
      : keys_(std::move(executor), std::move(places), count), rules_(std::move(rules)) {}
  task<verdict<std::optional<identity>>> identify(credentials shown) override;
  std::string expected() const override { return "a token"; }

 private:
  key_source keys_;
  token_rules rules_;
};

}  // namespace hiky::auth
