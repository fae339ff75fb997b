// SPDX-License-Identifier: Apache-2.0
// Tokens from anybody. The first byte decides how the rest is judged: unchanged, or as the parts of a token with a
// valid signature, so that the claims are reached.
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <array>

#include "auth/jwt.hpp"
#include "base/encoding.hpp"
#include "demand.hpp"

using namespace hiky;
using namespace hiky::auth;

namespace {

std::string const secret = "a secret of more than thirty-two bytes";

key_set const& keys() {
  static key_set const all = [] {
    key_set out;
    out.add(verification_key::from_file_text(secret).value());
    // The example keys of RFC 8037 and RFC 7515.
    out.add(key_set::from_jwks(
                R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"e","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},)"
                R"({"kty":"EC","crv":"P-256","kid":"p","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":)"
                R"("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})",
                false)
                .value());
    return out;
  }();
  return all;
}

std::string base64url(std::string_view bytes) {
  auto out = to_base64(bytes);
  for (auto& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  out.resize(out.find_last_not_of('=') + 1);
  return out;
}

std::string signed_token(std::string_view header, std::string_view claims) {
  auto const text = base64url(header) + '.' + base64url(claims);
  std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<unsigned char const*>(text.data()), text.size(), code.data(), &size);
  return text + '.' + base64url({reinterpret_cast<char const*>(code.data()), size});
}

void judge(std::string_view token, bool ours) {
  auto const now = std::chrono::sys_seconds{std::chrono::seconds{1'800'000'000}};
  auto const who = judge_token(token, keys(), {}, now);
  if (!who) {
    demand(who.error().code == errc::invalid_argument || who.error().code == errc::not_found,
           "a refusal is for good, or for want of a key");
    demand(who.error().text.starts_with("the token is refused: "), "a refusal says so");
    demand(who.error().text.size() <= 200, "in a few words");
    return;
  }
  demand(ours, "nobody else can sign");
  demand(token.size() <= max_token_size, "a token has a limit");
  demand(!id_fault(who->user), "a user's id is one");
  demand(who->grant.expiry && *who->grant.expiry > now, "everything ends, and later than now");
  demand(who->name.size() <= max_id_size && who->username.size() <= max_id_size, "names are short");
  if (who->grant.rooms) demand(who->grant.rooms->size() <= 256, "patterns are few");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(
    std::uint8_t const* data, std::size_t size) {  // NOLINT(readability-identifier-naming): libFuzzer calls it so
  if (size == 0) return 0;
  std::string_view const rest{reinterpret_cast<char const*>(data) + 1, size - 1};
  switch (data[0]) {
    case 'h': judge(signed_token(rest, R"({"sub":"alice","exp":1800000060})"), true); break;
    case 'c': judge(signed_token(R"({"alg":"HS256"})", rest), true); break;
    case 'k': (void)key_set::from_jwks(rest, true); break;
    default: judge(rest, false);
  }
  return 0;
}
