// SPDX-License-Identifier: Apache-2.0
// Makes tokens, right ones and wrong ones, and the keys to check them with. Private keys are made anew for each run.
#pragma once
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "auth/key_set.hpp"
#include "base/encoding.hpp"

namespace tokens_of_tests {

inline std::string base64url(std::string_view bytes) {
  auto out = hiky::to_base64(bytes);
  for (auto& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  out.resize(out.find_last_not_of('=') + 1);
  return out;
}

inline unsigned char const* raw(std::string_view text) { return reinterpret_cast<unsigned char const*>(text.data()); }

inline std::string hmac(EVP_MD const* digest, std::string_view secret, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
  unsigned size = 0;
  HMAC(digest, secret.data(), static_cast<int>(secret.size()), raw(text), text.size(), code.data(), &size);
  return {reinterpret_cast<char const*>(code.data()), size};
}

class private_key {
 public:
  static private_key rsa(unsigned bits = 2048) {
    return private_key{EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits))};
  }
  static private_key ec(char const* curve = "P-256") {
    return private_key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve)};
  }
  static private_key ed25519() { return private_key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")}; }

  std::string public_pem() const {
    return pem([&](BIO* to) { PEM_write_bio_PUBKEY(to, key_.get()); });
  }
  std::string private_pem() const {
    return pem([&](BIO* to) { PEM_write_bio_PrivateKey(to, key_.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }

  std::string sign(std::string_view text) const {
    bool const edwards = EVP_PKEY_is_a(key_.get(), "ED25519") == 1;
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> const signing{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    EVP_DigestSignInit(signing.get(), nullptr, edwards ? nullptr : EVP_sha256(), nullptr, key_.get());
    std::array<unsigned char, 1024> out{};
    std::size_t size = out.size();
    EVP_DigestSign(signing.get(), out.data(), &size, raw(text), text.size());
    if (EVP_PKEY_is_a(key_.get(), "EC") != 1) return {reinterpret_cast<char const*>(out.data()), size};
    unsigned char const* at = out.data();
    std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> const both{
        d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)), ECDSA_SIG_free};
    std::array<unsigned char, 64> r_and_s{};
    BN_bn2binpad(ECDSA_SIG_get0_r(both.get()), r_and_s.data(), 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(both.get()), r_and_s.data() + 32, 32);
    return {reinterpret_cast<char const*>(r_and_s.data()), r_and_s.size()};
  }

 private:
  explicit private_key(EVP_PKEY* key) : key_(key, EVP_PKEY_free) {}
  template <class Write>
  static std::string pem(Write write) {
    std::unique_ptr<BIO, decltype(&BIO_free)> const to{BIO_new(BIO_s_mem()), BIO_free};
    write(to.get());
    char* text = nullptr;
    auto const size = BIO_get_mem_data(to.get(), &text);
    return {text, static_cast<std::size_t>(size)};
  }
  std::shared_ptr<EVP_PKEY> key_;
};

inline std::string const secret = "a secret of more than thirty-two bytes";

// `sign` makes the signature's bytes of the text that is signed.
template <class Sign>
std::string token(std::string_view header, std::string_view claims, Sign sign) {
  auto const text = base64url(header) + '.' + base64url(claims);
  return text + '.' + base64url(sign(text));
}
inline std::string hs256(std::string_view claims, std::string_view header = R"({"alg":"HS256"})",
                         std::string_view key = secret) {
  return token(header, claims, [&](std::string const& text) { return hmac(EVP_sha256(), key, text); });
}

inline hiky::auth::verification_key key_of(std::string_view text) {
  return hiky::auth::verification_key::from_file_text(text).value();
}
inline hiky::auth::key_set only(hiky::auth::verification_key key) {
  hiky::auth::key_set out;
  out.add(std::move(key));
  return out;
}

}  // namespace tokens_of_tests
