// SPDX-License-Identifier: Apache-2.0
// Signed tokens (RFC 7519 in the compact form of RFC 7515): judged against keys, rules and a time. Pure.
#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "auth/authenticator.hpp"
#include "auth/key_set.hpp"

namespace hiky::auth {

struct token_rules {
  std::vector<std::string> audiences{};  // `aud` must name one of these; with none, there must be no `aud`
  std::string issuer{};                  // `iss` must be this, unless empty
  std::chrono::seconds leeway{30};
  std::string user_claim{"sub"};  // where the user stands: names with dots between them
  bool require_expiry =
      true;     // without `exp` a token is refused; otherwise it holds a connection for life_without_expiry
};

// Then the client connects again, and its token meets the keys and rules of that day.
inline constexpr std::chrono::hours life_without_expiry{24};

inline constexpr std::size_t max_token_size = 8192;

// The user of the token. Refusals tell the client why, in words that hold nothing of the token.
// not_found: no key of `keys` has the id that the token names, so newer keys may know it. invalid_argument: refused for
// good.
verdict<identity> judge_token(std::string_view token, key_set const& keys, token_rules const& rules,
                              std::chrono::system_clock::time_point now);

}  // namespace hiky::auth
