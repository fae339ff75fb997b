// SPDX-License-Identifier: Apache-2.0
// Keys from files and from JWKS: the examples of the RFCs are checked right, weak and strange keys are refused.
#include "auth/verification_key.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/json.hpp"
#include "token_maker.hpp"

using namespace hiky;
using namespace hiky::auth;
using namespace testing;
using namespace tokens_of_tests;

namespace {

result<verification_key> jwk(std::string_view text, bool secrets = true) {
  return verification_key::from_jwk(parse_json(text)->get_object(), secrets);
}

// Whether the key checks the whole compact token.
bool checks(verification_key const& key, std::string_view algorithm, std::string_view token) {
  auto const dot = token.rfind('.');
  return key.verifies(algorithm, token.substr(0, dot), from_base64url(token.substr(dot + 1)).value());
}

void refuses(result<verification_key> const& made, errc code, std::string_view why) {
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, code);
  EXPECT_THAT(made.error().text, HasSubstr(std::string{why}));
}

// RFC 8037 appendix A.4.
constexpr std::string_view edwards_x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
constexpr std::string_view edwards_token =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-"
    "09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_"
    "MuM0KAg";

// RFC 7515 appendix A.1 and A.3: one payload, signed twice.
constexpr std::string_view payload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
constexpr std::string_view secret_k =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
constexpr std::string_view ec_parts =
    R"("kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")";

}  // namespace

TEST(verification_key, checks_the_examples_of_the_rfcs) {
  auto const edwards = jwk(fmt::format(R"({{"kty":"OKP","crv":"Ed25519","x":"{}"}})", edwards_x)).value();
  EXPECT_TRUE(checks(edwards, "EdDSA", edwards_token));
  auto const shared = jwk(fmt::format(R"({{"kty":"oct","k":"{}"}})", secret_k)).value();
  EXPECT_TRUE(checks(
      shared, "HS256",
      fmt::format("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", payload)));
  auto const curve = jwk(fmt::format("{{{}}}", ec_parts)).value();
  EXPECT_TRUE(checks(curve, "ES256",
                     fmt::format("eyJhbGciOiJFUzI1NiJ9.{}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-"
                                 "F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
                                 payload)));
  EXPECT_FALSE(checks(curve, "ES256",
                      fmt::format("eyJhbGciOiJFUzI1NiJ9.{}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-"
                                  "F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1g",
                                  payload)));
}

TEST(verification_key, takes_no_signature_of_another_size) {
  auto const curve = jwk(fmt::format("{{{}}}", ec_parts)).value();
  for (auto const size : {0, 1, 63, 65, 64, 72})
    EXPECT_FALSE(curve.verifies("ES256", "text", std::string(static_cast<std::size_t>(size), '\0'))) << size;
  auto const edwards = jwk(fmt::format(R"({{"kty":"OKP","crv":"Ed25519","x":"{}"}})", edwards_x)).value();
  for (auto const size : {0, 63, 65, 64})
    EXPECT_FALSE(edwards.verifies("EdDSA", "text", std::string(static_cast<std::size_t>(size), '\0'))) << size;
  EXPECT_FALSE(key_of(secret).verifies("HS256", "text", ""));
  EXPECT_FALSE(key_of(secret).verifies("HS256", "text", hmac(EVP_sha256(), secret, "text").substr(0, 31)));
}

TEST(verification_key, is_read_from_a_file_as_what_it_is) {
  EXPECT_TRUE(key_of(private_key::rsa().public_pem()).speaks("RS256"));
  EXPECT_TRUE(key_of(private_key::ec().public_pem()).speaks("ES256"));
  EXPECT_TRUE(key_of(private_key::ed25519().public_pem()).speaks("EdDSA"));
  for (auto const* name : {"HS256", "HS384", "HS512"}) {
    EXPECT_TRUE(key_of(secret).speaks(name));
    EXPECT_FALSE(key_of(private_key::ec().public_pem()).speaks(name));
  }
  // The line end that every editor adds is not part of a secret.
  EXPECT_TRUE(key_of(secret + "\r\n").verifies("HS256", "text", hmac(EVP_sha256(), secret, "text")));
}

TEST(verification_key, refuses_what_is_weak_or_not_for_this) {
  auto const from = verification_key::from_file_text;
  refuses(from("0123456789012345678901234567890"), errc::invalid_argument,
          "of 31 bytes can be guessed; expected at least 32");
  refuses(from(std::string(31, 'x') + "\n\n\n"), errc::invalid_argument, "of 31 bytes");
  refuses(from(private_key::rsa(1024).public_pem()), errc::invalid_argument,
          "1024 bits is too weak; expected at least 2048");
  refuses(from(private_key::ec("P-384").public_pem()), errc::invalid_argument, "expected P-256");
  refuses(from(private_key::ec().private_pem()), errc::invalid_argument, "this is a private key");
  refuses(from("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), errc::invalid_argument,
          "not a public key in PEM");
}

TEST(verification_key, reads_a_jwk_by_what_it_says_it_is_for) {
  EXPECT_EQ(jwk(fmt::format(R"({{{},"kid":"a","use":"sig","alg":"ES256","key_ops":["verify"]}})", ec_parts))->id(),
            "a");
  refuses(jwk(fmt::format(R"({{{},"use":"enc"}})", ec_parts)), errc::not_found, "not for signatures");
  refuses(jwk(fmt::format(R"({{{},"key_ops":["sign"]}})", ec_parts)), errc::not_found, "not for checking");
  refuses(jwk(fmt::format(R"({{{},"alg":"ES512"}})", ec_parts)), errc::not_found, "algorithm");
  refuses(jwk(R"({"kty":"EC","crv":"P-521","x":"AA","y":"AA"})"), errc::not_found, "of no use");
  refuses(jwk("{}"), errc::not_found, "of no use");
  auto const one_algorithm = jwk(fmt::format(R"({{"kty":"oct","k":"{}","alg":"HS512"}})", secret_k)).value();
  EXPECT_TRUE(one_algorithm.speaks("HS512"));
  EXPECT_FALSE(one_algorithm.speaks("HS256"));
}

TEST(verification_key, refuses_a_broken_jwk) {
  refuses(jwk(R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})"), errc::invalid_argument, "broken");
  refuses(jwk(fmt::format(R"({{"kty":"EC","crv":"P-256","x":"{0}","y":"{0}"}})", edwards_x)), errc::invalid_argument,
          "broken");  // no point of the curve
  refuses(jwk(R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})"), errc::invalid_argument, "broken");
  EXPECT_FALSE(jwk(R"({"kty":"RSA"})"));
  EXPECT_FALSE(jwk(R"({"kty":"RSA","n":"AQAB","e":"AQAB"})"));
  refuses(jwk(R"({"kty":"oct","k":"c2hvcnQ"})"), errc::invalid_argument, "can be guessed");
}

TEST(verification_key, takes_no_secret_from_where_everybody_can_read_it) {
  refuses(jwk(fmt::format(R"({{"kty":"oct","k":"{}"}})", secret_k), false), errc::invalid_argument,
          "whoever can fetch it knows that");
}
