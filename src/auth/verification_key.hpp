// SPDX-License-Identifier: Apache-2.0
// One key with which signatures of tokens are checked. Its kind decides the algorithms, and the token never
// does. All cryptography is OpenSSL's.
#pragma once
#include <openssl/types.h>
#include <boost/json/object.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hiky::auth {

class verification_key {
 public:
  // PEM (`-----BEGIN …`): a public key or a certificate. Anything else is the secret of HS256, HS384 and HS512; line
  // ends at its end do not count. A private key, a key too weak to rely on, or another kind of key is refused.
  static result<verification_key> from_file_text(std::string_view text);
  // A JWK (RFC 7517). not_found: a key that is of no use here (for encryption, of another kind), to be passed over.
  // `secrets`: whether symmetric keys are taken; everybody who can read a public address knows those.
  static result<verification_key> from_jwk(boost::json::object const& jwk, bool secrets);

  std::optional<std::string> const& id() const { return id_; }
  bool speaks(std::string_view algorithm) const;
  // `algorithm` is one that it speaks. False also when OpenSSL itself fails.
  bool verifies(std::string_view algorithm, std::string_view signed_text, std::string_view signature) const;

 private:
  enum class kind { secret, rsa, p256, ed25519 };
  static result<verification_key> from_public(std::shared_ptr<EVP_PKEY> key);
  static result<verification_key> from_secret(std::string secret);

  kind kind_{};
  std::optional<std::string> id_;  // `kid`
  std::optional<std::string> only_;  // `alg`: the one algorithm it is meant for
  std::string secret_;
  std::shared_ptr<EVP_PKEY> public_;
};

}  // namespace hiky::auth
