// SPDX-License-Identifier: Apache-2.0
// Which tokens are believed: by signature, algorithm, key and form. Their claims: jwt_claims_test.cpp.
#include <fmt/format.h>

#include "token_judging.hpp"

using namespace tokens_of_tests;

TEST(jwt, is_believed_when_its_signature_is_right_in_each_algorithm) {
  takes(hs256(good));
  takes(token(R"({"alg":"HS384"})", good, [](auto const& text) { return hmac(EVP_sha384(), secret, text); }));
  takes(token(R"({"alg":"HS512"})", good, [](auto const& text) { return hmac(EVP_sha512(), secret, text); }));
  for (auto const& [algorithm, key] :
       {std::pair{"RS256", private_key::rsa()}, {"ES256", private_key::ec()}, {"EdDSA", private_key::ed25519()}}) {
    auto const header = fmt::format(R"({{"alg":"{}","typ":"JWT"}})", algorithm);
    auto const made = token(header, good, [&](auto const& text) { return key.sign(text); });
    takes(made, only(key_of(key.public_pem())));
    refuses(made.substr(0, made.size() - 4) + "AAAA", "signature is wrong", only(key_of(key.public_pem())));
  }
}

TEST(jwt, is_refused_with_anything_changed_after_it_was_signed) {
  auto const made = hs256(good), other = hs256(R"({"sub":"bob","exp":1800000060})");
  auto const first = made.find('.'), second = made.rfind('.');
  refuses(made.substr(0, first) + other.substr(first, other.rfind('.') - first) + made.substr(second),
          "signature is wrong");
  refuses(base64url(R"({"alg":"HS384"})") + made.substr(first), "signature is wrong");
  refuses(made.substr(0, second + 1), "signature is wrong");
  refuses(made.substr(0, made.size() - 3), "signature");
  refuses(hs256(good, R"({"alg":"HS256"})", "another secret of more than 32 bytes"), "signature is wrong");
}

TEST(jwt, is_refused_without_a_signature_whatever_it_calls_that) {
  auto const nothing = [](auto const&) { return std::string{}; };
  for (auto const* name : {"none", "None", "NONE", "nOnE", ""})
    refuses(token(fmt::format(R"({{"alg":"{}"}})", name), good, nothing), "algorithm");
  refuses(token("{}", good, nothing), "algorithm");
  refuses(token(R"({"alg":null})", good, nothing), "algorithm");
  refuses(token(R"({"alg":["HS256"]})", good, nothing), "algorithm");
  refuses(token(R"({"alg":"HS256"})", good, nothing), "signature is wrong");
}

TEST(jwt, never_uses_a_public_key_as_a_secret) {
  for (auto const& key : {private_key::rsa(), private_key::ec(), private_key::ed25519()}) {
    auto const pem = key.public_pem();
    auto const keys = only(key_of(pem));
    for (auto const& as_secret : {pem, pem.substr(0, pem.size() - 1)}) {
      refuses(hs256(good, R"({"alg":"HS256"})", as_secret), "key that is not known", keys, {}, errc::not_found);
    }
  }
}

TEST(jwt, never_uses_a_key_for_another_algorithm) {
  auto const rsa = private_key::rsa(), ec = private_key::ec(), edwards = private_key::ed25519();
  auto const signed_by = [](private_key const& key, std::string_view algorithm) {
    return token(fmt::format(R"({{"alg":"{}"}})", algorithm), good, [&](auto const& text) { return key.sign(text); });
  };
  refuses(signed_by(rsa, "ES256"), "key that is not known", only(key_of(rsa.public_pem())), {}, errc::not_found);
  refuses(signed_by(ec, "RS256"), "key that is not known", only(key_of(ec.public_pem())), {}, errc::not_found);
  refuses(signed_by(edwards, "ES256"), "key that is not known", only(key_of(edwards.public_pem())), {},
          errc::not_found);
  refuses(signed_by(rsa, "RS512"), "algorithm", only(key_of(rsa.public_pem())));
  refuses(signed_by(rsa, "PS256"), "algorithm", only(key_of(rsa.public_pem())));
}

TEST(jwt, is_only_checked_with_the_key_it_names) {
  auto const other = "the second secret, also of 32 bytes and more";
  auto const jwks = [&](std::string_view key) {
    return fmt::format(R"({{"kty":"oct","kid":"{}","k":"{}"}})", key == secret ? "old" : "new", base64url(key));
  };
  auto const keys = key_set::from_jwks(fmt::format(R"({{"keys":[{},{}]}})", jwks(secret), jwks(other)), true).value();
  takes(hs256(good, R"({"alg":"HS256","kid":"old"})"), keys);
  takes(hs256(good, R"({"alg":"HS256","kid":"new"})", other), keys);
  takes(hs256(good, R"({"alg":"HS256"})", other), keys);
  refuses(hs256(good, R"({"alg":"HS256","kid":"new"})"), "signature is wrong", keys);
  refuses(hs256(good, R"({"alg":"HS256","kid":"third"})"), "key that is not known", keys, {}, errc::not_found);
  refuses(hs256(good, R"({"alg":"HS256","kid":7})"), "kid", keys);
  takes(hs256(good, R"({"alg":"HS256","kid":"any"})"));  // a key from a file has no name of its own
}

TEST(jwt, is_three_parts_of_base64url_and_of_a_bounded_size) {
  auto const made = hs256(good);
  for (auto const& text : {std::string{}, std::string{"."}, std::string{"tea"}, made.substr(0, made.rfind('.')),
                           made + ".", made + ".e30.e30.e30"}) {
    refuses(text, "three parts");
  }
  refuses("..", "header is not a JSON object");
  refuses("e30=.e30.", "header is not base64url");
  refuses(base64url("[]") + ".e30.", "header is not a JSON object");
  refuses(base64url("{") + ".e30.", "header is not a JSON object");
  refuses(made + "=", "signature is not base64url");
  refuses(made + "/", "signature");
  refuses(hs256("[]"), "payload is not a JSON object");
  refuses(hs256("\xff{}"), "payload is not a JSON object");
  refuses(hs256(good, R"({"alg":"HS256","crit":["exp"]})"), "extension");
  refuses(hs256(fmt::format(R"({{"sub":"alice","exp":1800000060,"x":"{}"}})", std::string(8192, 'x'))),
          "longer than 8192 bytes");
}
