// SPDX-License-Identifier: Apache-2.0
// Mode `open`: register.userId is believed, as in the document. For development on loopback; `config` refuses it elsewhere.
#pragma once
#include "auth/authenticator.hpp"

namespace hiky::auth {

class open final : public authenticator {
 public:
  task<result<user_id>> identify(credentials shown) override;
};

}  // namespace hiky::auth
