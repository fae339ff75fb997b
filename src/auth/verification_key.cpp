// SPDX-License-Identifier: Apache-2.0
#include "auth/verification_key.hpp"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "base/encoding.hpp"

namespace hiky::auth {
namespace {

constexpr std::size_t least_secret = 32;  // bytes; RFC 7518 section 3.2 asks for it
constexpr int least_rsa_bits = 2048;      // RFC 7518 section 3.3

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
template <class T, auto Free>
using owned = std::unique_ptr<T, freed_by<Free>>;
using owned_bio = owned<BIO, BIO_free>;
using owned_bn = owned<BIGNUM, BN_free>;
using owned_context = owned<EVP_MD_CTX, EVP_MD_CTX_free>;

std::shared_ptr<EVP_PKEY> shared(EVP_PKEY* key) {
  return key ? std::shared_ptr<EVP_PKEY>{key, EVP_PKEY_free} : nullptr;
}
unsigned char const* bytes(std::string_view text) { return reinterpret_cast<unsigned char const*>(text.data()); }

struct known_algorithm {
  std::string_view name;
  EVP_MD const* (*digest)();
};
constexpr std::array secret_algorithms{known_algorithm{"HS256", EVP_sha256}, known_algorithm{"HS384", EVP_sha384},
                                       known_algorithm{"HS512", EVP_sha512}};

// The signature of ES256 is r and s, 32 bytes each; OpenSSL wants them in DER.
std::string der_of(std::string_view r_and_s) {
  if (r_and_s.size() != 64) return {};
  owned<ECDSA_SIG, ECDSA_SIG_free> const both{ECDSA_SIG_new()};
  if (!ECDSA_SIG_set0(both.get(), BN_bin2bn(bytes(r_and_s), 32, nullptr), BN_bin2bn(bytes(r_and_s) + 32, 32, nullptr)))
    return {};
  std::array<unsigned char, 80> out{};
  auto* end = out.data();
  auto const size = i2d_ECDSA_SIG(both.get(), &end);
  return size > 0 ? std::string{reinterpret_cast<char const*>(out.data()), static_cast<std::size_t>(size)}
                  : std::string{};
}

std::shared_ptr<EVP_PKEY> key_from(char const* type, OSSL_PARAM_BLD* parts) {
  owned<OSSL_PARAM, OSSL_PARAM_free> const parameters{OSSL_PARAM_BLD_to_param(parts)};
  owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> const making{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
  EVP_PKEY* key = nullptr;
  if (!parameters || !making || EVP_PKEY_fromdata_init(making.get()) <= 0 ||
      EVP_PKEY_fromdata(making.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) <= 0)
    return nullptr;
  return shared(key);
}

std::shared_ptr<EVP_PKEY> rsa_key(std::string_view n, std::string_view e) {
  owned_bn const modulus{BN_bin2bn(bytes(n), static_cast<int>(n.size()), nullptr)},
      exponent{BN_bin2bn(bytes(e), static_cast<int>(e.size()), nullptr)};
  owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> const parts{OSSL_PARAM_BLD_new()};
  if (!OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) ||
      !OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()))
    return nullptr;
  return key_from("RSA", parts.get());
}

std::shared_ptr<EVP_PKEY> p256_key(std::string_view x, std::string_view y) {
  if (x.size() != 32 || y.size() != 32) return nullptr;
  std::string const point = '\x04' + std::string{x} + std::string{y};
  owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> const parts{OSSL_PARAM_BLD_new()};
  if (!OSSL_PARAM_BLD_push_utf8_string(parts.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) ||
      !OSSL_PARAM_BLD_push_octet_string(parts.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()))
    return nullptr;
  return key_from("EC", parts.get());
}

// A text member; empty when it is missing or something else.
std::string_view text_in(boost::json::object const& object, std::string_view name) {
  auto const* v = object.if_contains(name);
  return v && v->is_string() ? std::string_view{v->get_string()} : std::string_view{};
}
std::string decoded_in(boost::json::object const& object, std::string_view name) {
  return from_base64url(text_in(object, name)).value_or("");
}

}  // namespace

result<verification_key> verification_key::from_secret(std::string secret) {
  if (secret.size() < least_secret) {
    return fail(errc::invalid_argument,
                fmt::format("a secret of {} bytes can be guessed; expected at least {}", secret.size(), least_secret));
  }
  verification_key out;
  out.kind_ = kind::secret;
  out.secret_ = std::move(secret);
  return out;
}

result<verification_key> verification_key::from_public(std::shared_ptr<EVP_PKEY> key) {
  verification_key out;
  if (EVP_PKEY_is_a(key.get(), "RSA")) {
    if (EVP_PKEY_get_bits(key.get()) < least_rsa_bits) {
      return fail(errc::invalid_argument, fmt::format("an RSA key of {} bits is too weak; expected at least {}",
                                                      EVP_PKEY_get_bits(key.get()), least_rsa_bits));
    }
    out.kind_ = kind::rsa;
  } else if (EVP_PKEY_is_a(key.get(), "ED25519")) {
    out.kind_ = kind::ed25519;
  } else if (EVP_PKEY_is_a(key.get(), "EC")) {
    std::array<char, 32> group{};
    EVP_PKEY_get_utf8_string_param(key.get(), OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(), nullptr);
    if (std::string_view const name{group.data()}; name != "prime256v1" && name != "P-256") {
      return fail(errc::not_found, fmt::format("an EC key on the curve {} is of no use; expected P-256 (ES256)", name));
    }
    out.kind_ = kind::p256;
  } else {
    return fail(errc::not_found, "the key is of another kind than RSA (RS256), EC P-256 (ES256) and Ed25519 (EdDSA)");
  }
  out.public_ = std::move(key);
  return out;
}

result<verification_key> verification_key::from_file_text(std::string_view text) {
  if (!text.contains("-----BEGIN ")) {
    return from_secret(std::string{text.substr(0, text.find_last_not_of("\r\n") + 1)});
  }
  if (text.contains("PRIVATE KEY-----")) {
    return fail(errc::invalid_argument,
                "this is a private key, which belongs to whoever makes the tokens; expected the public key");
  }
  auto const reading = [&] { return owned_bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))}; };
  auto key = shared(PEM_read_bio_PUBKEY(reading().get(), nullptr, nullptr, nullptr));
  if (!key) {
    owned<X509, X509_free> const certificate{PEM_read_bio_X509(reading().get(), nullptr, nullptr, nullptr)};
    if (certificate) key = shared(X509_get_pubkey(certificate.get()));
  }
  ERR_clear_error();
  if (!key)
    return fail(errc::invalid_argument,
                "not a public key in PEM; expected -----BEGIN PUBLIC KEY----- or a certificate");
  auto made = from_public(std::move(key));
  if (!made) made.error().code = errc::invalid_argument;
  return made;
}

result<verification_key> verification_key::from_jwk(boost::json::object const& jwk, bool secrets) {
  auto const type = text_in(jwk, "kty"), curve = text_in(jwk, "crv"), use = text_in(jwk, "use");
  if (!use.empty() && use != "sig") return fail(errc::not_found, "the key is not for signatures");
  if (auto const* may = jwk.if_contains("key_ops"); may && may->is_array()) {
    auto const verify = std::ranges::find(may->get_array(), boost::json::value{"verify"});
    if (verify == may->get_array().end()) return fail(errc::not_found, "the key is not for checking signatures");
  }
  result<verification_key> out =
      fail(errc::not_found, fmt::format("a key of the type '{}' is of no use here", type.substr(0, 20)));
  if (type == "oct") {
    if (!secrets)
      return fail(errc::invalid_argument,
                  "it holds a secret (kty oct), and whoever can fetch it knows that; put the secret into a file");
    out = from_secret(decoded_in(jwk, "k"));
  } else {
    std::shared_ptr<EVP_PKEY> key;
    if (type == "RSA") key = rsa_key(decoded_in(jwk, "n"), decoded_in(jwk, "e"));
    else if (type == "EC" && curve == "P-256") key = p256_key(decoded_in(jwk, "x"), decoded_in(jwk, "y"));
    else if (type == "OKP" && curve == "Ed25519") {
      auto const x = decoded_in(jwk, "x");
      key = shared(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(x), x.size()));
    } else {
      return out;
    }
    ERR_clear_error();
    if (!key)
      return fail(errc::invalid_argument, fmt::format("the {} key is broken: its numbers make no public key", type));
    out = from_public(std::move(key));
  }
  if (!out) return out;
  if (jwk.contains("kid")) out->id_ = text_in(jwk, "kid");
  if (jwk.contains("alg")) {
    out->only_ = text_in(jwk, "alg");
    if (!out->speaks(*out->only_)) return fail(errc::not_found, "the key is for an algorithm that is of no use here");
  }
  return out;
}

bool verification_key::speaks(std::string_view algorithm) const {
  if (only_ && *only_ != algorithm) return false;
  switch (kind_) {
    case kind::secret:
      return std::ranges::find(secret_algorithms, algorithm, &known_algorithm::name) != secret_algorithms.end();
    case kind::rsa: return algorithm == "RS256";
    case kind::p256: return algorithm == "ES256";
    case kind::ed25519: return algorithm == "EdDSA";
  }
  return false;
}

bool verification_key::verifies(std::string_view algorithm, std::string_view signed_text,
                                std::string_view signature) const {
  if (!speaks(algorithm)) return false;
  if (kind_ == kind::secret) {
    auto const* const known = std::ranges::find(secret_algorithms, algorithm, &known_algorithm::name);
    std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
    unsigned size = 0;
    if (!HMAC(known->digest(), secret_.data(), static_cast<int>(secret_.size()), bytes(signed_text), signed_text.size(),
              code.data(), &size))
      return false;
    return signature.size() == size && CRYPTO_memcmp(code.data(), signature.data(), size) == 0;
  }
  auto const in_der = kind_ == kind::p256 ? der_of(signature) : std::string{};
  auto const shown = kind_ == kind::p256 ? std::string_view{in_der} : signature;
  owned_context const checking{EVP_MD_CTX_new()};
  bool const good =
      !shown.empty() &&
      EVP_DigestVerifyInit(checking.get(), nullptr, kind_ == kind::ed25519 ? nullptr : EVP_sha256(), nullptr,
                           public_.get()) == 1 &&
      EVP_DigestVerify(checking.get(), bytes(shown), shown.size(), bytes(signed_text), signed_text.size()) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace hiky::auth
