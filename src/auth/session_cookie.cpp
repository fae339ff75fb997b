// SPDX-License-Identifier: Apache-2.0
#include "auth/session_cookie.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "auth/user_at.hpp"
#include "base/encoding.hpp"
#include "base/json.hpp"

namespace hiky::auth {
namespace {

constexpr std::size_t max_session_id = 256;
constexpr std::chrono::sys_seconds latest{
    std::chrono::seconds{7'258'118'400}};  // the year 2200; the clock's nanoseconds end in 2262

std::string_view trimmed(std::string_view text) {
  auto const first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

// As the package cookie-signature makes it: HMAC-SHA256 in base64 without the padding.
std::string signature_of(std::string_view id, std::string const& secret) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
  unsigned size = 0;
  if (!HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
            reinterpret_cast<unsigned char const*>(id.data()), id.size(), code.data(), &size))
    return {};
  auto out = to_base64({reinterpret_cast<char const*>(code.data()), size});
  out.resize(out.find_last_not_of('=') + 1);
  return out;
}

bool same(std::string_view a, std::string_view b) {
  return !a.empty() && a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// A Date as JSON.stringify writes it: `2026-01-31T12:00:00.123Z`.
std::optional<std::chrono::sys_seconds> parse_date(std::string text) {
  std::tm t{};
  int milliseconds = 0, read = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour,
                  &t.tm_min, &t.tm_sec, &milliseconds, &read) != 7 ||
      static_cast<std::size_t>(read) != text.size())
    return std::nullopt;
  t.tm_year -= 1900;
  t.tm_mon -= 1;
  return std::clamp(std::chrono::sys_seconds{std::chrono::seconds{::timegm(&t)}}, std::chrono::sys_seconds{}, latest);
}

std::unexpected<denial> refuse(std::string text, outcome why = outcome::malformed) {
  return std::unexpected(denial{errc::invalid_argument, "the session is refused: " + std::move(text), why});
}

}  // namespace

std::optional<std::string_view> cookie_value(std::string_view header, std::string_view name) {
  for (std::size_t at = 0; at < header.size();) {
    auto const end = std::min(header.find(';', at), header.size());
    auto const pair = header.substr(at, end - at);
    at = end + 1;
    auto const equals = pair.find('=');
    if (equals == std::string_view::npos || trimmed(pair.substr(0, equals)) != name) continue;
    auto value = trimmed(pair.substr(equals + 1));
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) value = value.substr(1, value.size() - 2);
    return value;
  }
  return std::nullopt;
}

std::optional<std::string> signed_session_id(std::string_view value, std::vector<std::string> const& secrets) {
  if (value.size() > 4 * max_session_id) return std::nullopt;
  auto const text = percent_decoded(value);
  if (!text || !text->starts_with("s:")) return std::nullopt;
  auto const dot = text->rfind('.');
  if (dot == std::string::npos || dot <= 2 || dot > max_session_id) return std::nullopt;
  std::string_view const id = std::string_view{*text}.substr(2, dot - 2),
                         shown = std::string_view{*text}.substr(dot + 1);
  bool good = false;
  for (auto const& secret : secrets) good |= same(signature_of(id, secret), shown);  // all of them: time tells nothing
  if (!good) return std::nullopt;
  return std::string{id};
}

verdict<identity> read_session(std::string_view text, std::string_view path,
                               std::optional<std::chrono::milliseconds> life,
                               std::chrono::system_clock::time_point now) {
  auto const document = parse_json(text);
  if (!document || !document->is_object())
    return std::unexpected(
        denial{errc::unexpected_reply, "the session in Redis is not a JSON object", outcome::malformed});
  identity out;
  if (life) {
    out.grant.expiry = std::chrono::floor<std::chrono::seconds>(
        now + std::min(*life, std::chrono::duration_cast<std::chrono::milliseconds>(latest - now)));
  }
  auto const* const cookie = document->get_object().if_contains("cookie");
  auto const* const expires = cookie && cookie->is_object() ? cookie->get_object().if_contains("expires") : nullptr;
  if (expires && !expires->is_null()) {
    auto const when = expires->is_string() ? parse_date(std::string{expires->get_string()}) : std::nullopt;
    if (!when) return refuse("its expiry is not a date");
    // A session that is used is prolonged in Redis alone (touch); its text stays as it was when it was last written.
    if (!life && *when <= now) return refuse("it has expired; log in again", outcome::expired);
    if (!life) out.grant.expiry = *when;
  }
  auto user = user_at(document->get_object(), path);
  if (!user) return refuse(std::move(user.error()));
  if (!*user) return refuse("nobody is logged in", outcome::nobody);
  out.user = std::move(**user);
  return out;
}

}  // namespace hiky::auth
