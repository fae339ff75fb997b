// SPDX-License-Identifier: Apache-2.0
#include "auth/key_set.hpp"

#include <fmt/format.h>

#include "base/json.hpp"

namespace hiky::auth {

namespace {
constexpr std::size_t most_keys = 64;
}

result<key_set> key_set::from_jwks(std::string_view text, bool secrets) {
  auto const document = parse_json(text);
  if (!document) return fail(errc::invalid_argument, "not a JWKS: " + document.error().text);
  auto const* const object = document->if_object();
  auto const* const keys = object ? object->if_contains("keys") : nullptr;
  if (!keys || !keys->is_array()) return fail(errc::invalid_argument, R"(not a JWKS; expected {"keys": [...]})");
  if (keys->get_array().size() > most_keys)
    return fail(errc::invalid_argument, fmt::format("a JWKS of more than {} keys", most_keys));
  key_set out;
  for (std::size_t i = 0; i < keys->get_array().size(); ++i) {
    auto const& each = keys->get_array()[i];
    if (!each.is_object())
      return fail(errc::invalid_argument, fmt::format("key {} of the JWKS is not an object", i + 1));
    auto key = verification_key::from_jwk(each.get_object(), secrets);
    if (key) out.add(std::move(*key));
    else if (key.error().code != errc::not_found)
      return fail(errc::invalid_argument, fmt::format("key {} of the JWKS: {}", i + 1, key.error().text));
  }
  if (out.empty()) return fail(errc::invalid_argument, "the JWKS has no key for HS256, RS256, ES256 or EdDSA");
  return out;
}

std::vector<verification_key const*> key_set::candidates(std::string_view algorithm,
                                                         std::optional<std::string_view> id) const {
  std::vector<verification_key const*> out;
  for (auto const& key : keys_) {
    if (key.speaks(algorithm) && (!id || !key.id() || *key.id() == *id)) out.push_back(&key);
  }
  return out;
}

}  // namespace hiky::auth
