// SPDX-License-Identifier: Apache-2.0
// Who a client is. One interface for every mode; identity is bound once per connection.
#pragma once
#include <optional>
#include <string>

#include "base/async.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"

namespace hiky::auth {

// What a client has shown: in the handshake, and in `register`.
struct credentials {
  std::optional<user_id> claimed;  // register.userId
  std::string token;               // register.token
};

class authenticator {
 public:
  virtual ~authenticator() = default;
  // invalid_argument: the credentials are refused, and the text says why (never their content). Other errors: could not find out.
  virtual task<result<user_id>> identify(credentials shown) = 0;
};

}  // namespace hiky::auth
