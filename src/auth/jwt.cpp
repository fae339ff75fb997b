// SPDX-License-Identifier: Apache-2.0
#include "auth/jwt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "auth/user_at.hpp"
#include "base/encoding.hpp"
#include "base/json.hpp"

namespace hiky::auth {
namespace {

using std::chrono::sys_seconds;

constexpr std::size_t most_patterns = 256;
constexpr std::ptrdiff_t most_stars = 512;  // of all patterns together
constexpr std::array<std::string_view, 6> algorithms{"HS256", "HS384", "HS512", "RS256", "ES256", "EdDSA"};

std::unexpected<denial> refuse(std::string text, outcome why = outcome::claims) {
  return std::unexpected(denial{errc::invalid_argument, "the token is refused: " + std::move(text), why});
}
std::unexpected<denial> malformed(std::string text) { return refuse(std::move(text), outcome::malformed); }

std::optional<std::string_view> text_in(json::object const& object, std::string_view name) {
  auto const* v = object.if_contains(name);
  if (!v || !v->is_string()) return std::nullopt;
  return std::string_view{v->get_string()};
}

// At most as long as an id, and no character cut through.
std::string shortened(std::string_view text) {
  if (text.size() <= max_id_size) return std::string{text};
  std::size_t end = max_id_size;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string{text.substr(0, end)};
}

// One of the token's parts as a JSON object.
verdict<json::value> object_of(std::string_view part, std::string_view what) {
  auto const text = from_base64url(part);
  if (!text) return malformed(fmt::format("its {} is not base64url", what));
  auto parsed = parse_json(*text);
  if (!parsed || !parsed->is_object()) return malformed(fmt::format("its {} is not a JSON object", what));
  return parsed;
}

// A NumericDate: seconds since 1970, perhaps with a fraction. Absent: nothing.
verdict<std::optional<sys_seconds>> date_in(json::object const& claims, std::string_view name) {
  constexpr double most = 7'258'118'400;  // the year 2200; the clock's nanoseconds end in 2262
  // The end of the year 9999, which many issuers write for never. As milliseconds, all dates since 1978 are beyond it.
  constexpr double end_of_dates = 253'402'300'799;
  auto const* v = claims.if_contains(name);
  if (!v) return std::nullopt;
  if (!v->is_number()) return refuse(fmt::format("{} is not a number", name));
  auto const seconds = v->is_int64()    ? static_cast<double>(v->get_int64())
                       : v->is_uint64() ? static_cast<double>(v->get_uint64())
                                        : v->get_double();
  if (!std::isfinite(seconds)) return refuse(fmt::format("{} is not a number", name));
  if (seconds > end_of_dates)
    return refuse(fmt::format("{} is too large for seconds since 1970; is it in milliseconds?", name));
  return sys_seconds{std::chrono::seconds{static_cast<std::int64_t>(std::clamp(seconds, 0.0, most))}};
}

bool names_one_of(json::value const& audience, std::vector<std::string> const& ours) {
  auto const is_ours = [&](json::value const& v) {
    return v.is_string() && std::ranges::find(ours, std::string_view{v.get_string()}) != ours.end();
  };
  return audience.is_array() ? std::ranges::any_of(audience.get_array(), is_ours) : is_ours(audience);
}

verdict<void> judge_times(json::object const& claims, token_rules const& rules,
                          std::chrono::system_clock::time_point now, grant& out) {
  auto const expiry = date_in(claims, "exp"), begin = date_in(claims, "nbf");
  if (!expiry) return std::unexpected(expiry.error());
  if (!begin) return std::unexpected(begin.error());
  if (!*expiry && rules.require_expiry) return refuse("it never expires; expected exp");
  if (*expiry && now >= **expiry + rules.leeway) return refuse("it has expired", outcome::expired);
  if (*begin && now + rules.leeway < **begin) return refuse("it is not valid yet (nbf)", outcome::expired);
  out.expiry = *expiry ? **expiry + rules.leeway : std::chrono::floor<std::chrono::seconds>(now) + life_without_expiry;
  return {};
}

verdict<void> judge_origin(json::object const& claims, token_rules const& rules) {
  if (!rules.issuer.empty() && text_in(claims, "iss") != rules.issuer) return refuse("it is from another issuer (iss)");
  auto const* const audience = claims.if_contains("aud");
  if (rules.audiences.empty() && audience)
    return refuse("it is for an audience (aud), and this server has not been told that it is one");
  if (!rules.audiences.empty() && (!audience || !names_one_of(*audience, rules.audiences)))
    return refuse("it is for another audience (aud)");
  return {};
}

verdict<void> read_rooms(json::object const& claims, grant& out) {
  auto const* const rooms = claims.if_contains("rooms");
  if (!rooms) return {};
  if (!rooms->is_array() || rooms->get_array().size() > most_patterns)
    return refuse(fmt::format("rooms is not a list of at most {} patterns", most_patterns));
  out.rooms.emplace();
  std::ptrdiff_t stars = 0;
  for (auto const& pattern : rooms->get_array()) {
    if (!pattern.is_string() || pattern.get_string().size() > max_id_size)
      return refuse("a pattern in rooms is not a string of at most 128 bytes");
    stars += std::ranges::count(pattern.get_string(), '*');
    out.rooms->emplace_back(pattern.get_string());
  }
  // Redis looks for what stands between them in each room of the user.
  if (stars > most_stars) return refuse(fmt::format("rooms has {} stars; expected at most {}", stars, most_stars));
  return {};
}

verdict<identity> read_claims(json::object const& claims, token_rules const& rules,
                              std::chrono::system_clock::time_point now) {
  identity out;
  if (auto const good = judge_times(claims, rules, now, out.grant); !good) return std::unexpected(good.error());
  if (auto const good = judge_origin(claims, rules); !good) return std::unexpected(good.error());
  if (auto const good = read_rooms(claims, out.grant); !good) return std::unexpected(good.error());
  auto user = user_at(claims, rules.user_claim);
  if (!user) return refuse(std::move(user.error()));
  if (!*user) return refuse(fmt::format("it names no user; expected {}", rules.user_claim));
  out.user = std::move(**user);
  out.username = shortened(text_in(claims, "username").value_or(""));
  out.name = shortened(text_in(claims, "name").value_or(""));
  return out;
}

}  // namespace

verdict<identity> judge_token(std::string_view token, key_set const& keys, token_rules const& rules,
                              std::chrono::system_clock::time_point now) {
  if (token.size() > max_token_size) return malformed(fmt::format("it is longer than {} bytes", max_token_size));
  auto const first = token.find('.'), second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return malformed("it is not a signed JWT: expected three parts with dots between them");
  }
  auto const header = object_of(token.substr(0, first), "header");
  if (!header) return std::unexpected(header.error());
  auto const& head = header->get_object();
  // Extensions that have to be understood: none is.
  if (head.contains("crit")) return malformed("it asks for an extension (crit)");
  auto const algorithm = text_in(head, "alg");
  if (!algorithm || std::ranges::find(algorithms, *algorithm) == algorithms.end()) {
    return malformed("its algorithm is not one of HS256, HS384, HS512, RS256, ES256 and EdDSA");
  }
  if (head.contains("kid") && !text_in(head, "kid")) return malformed("its kid is not a string");
  auto const signature = from_base64url(token.substr(second + 1));
  if (!signature) return malformed("its signature is not base64url");

  auto const candidates = keys.candidates(*algorithm, text_in(head, "kid"));
  if (candidates.empty())
    return std::unexpected(denial{
        errc::not_found, "the token is refused: it is signed with a key that is not known here", outcome::forged});
  auto const signed_text = token.substr(0, second);
  if (std::ranges::none_of(candidates,
                           [&](auto const* key) { return key->verifies(*algorithm, signed_text, *signature); })) {
    return refuse("its signature is wrong", outcome::forged);
  }
  auto const claims = object_of(token.substr(first + 1, second - first - 1), "payload");
  if (!claims) return std::unexpected(claims.error());
  return read_claims(claims->get_object(), rules, now);
}

}  // namespace hiky::auth
