// SPDX-License-Identifier: Apache-2.0
// Mode `open`: register.userId is believed, as in the document. For development on loopback; `config` refuses it
// elsewhere.
#pragma once
#include "auth/authenticator.hpp"

namespace hiky::auth {

class open final : public authenticator {
 public:
  task<verdict<std::optional<identity>>> identify(credentials shown) override;
  std::string expected() const override { return "a userId: a string of 1 to 128 bytes"; }
};

}  // namespace hiky::auth
