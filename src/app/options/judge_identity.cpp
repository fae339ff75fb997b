// SPDX-License-Identifier: Apache-2.0
// How clients prove who they are, who may come from where, and who may enter a room. Reads the files of keys that the
// options name.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "app/options/judge.hpp"
#include "auth/key_text.hpp"
#include "gateway/door/origin.hpp"

namespace hiky::app {
namespace {

constexpr std::size_t least_secret = 8;  // what it signs is random by itself

constexpr auto nobody_said =
    "--listen: {} can be reached by others, and --auth says nothing; choose how clients prove who they are: "
    "--auth jwt or --auth session, or --auth open --allow-open where nobody else gets there";
constexpr auto open_to_all =
    "--listen: with --auth open anybody who reaches {} can be anybody; "
    "listen on 127.0.0.1, or add --allow-open if that is meant";

// The same for whoever runs the image, where the address and all else is said by the environment.
constexpr auto nobody_said_to_the_image =
    "--listen: {} (HIKY_LISTEN) can be reached by others, and HIKY_AUTH does not say how clients prove who they are. "
    "To try it in a container: -e HIKY_AUTH=open -e HIKY_ALLOW_OPEN=true -p 127.0.0.1:8080:8080. "
    "For real: -e HIKY_AUTH=jwt -e HIKY_JWT_KEY=env:JWT_SECRET -e JWT_SECRET, or HIKY_AUTH=session";
constexpr auto open_to_all_in_the_image =
    "--listen: with --auth open anybody who reaches {} (HIKY_LISTEN) can be anybody; "
    "where nobody else does, as in a container behind -p 127.0.0.1:8080:8080, add HIKY_ALLOW_OPEN=true";

bool said_by_environment(std::string_view address) {
  char const* const said = std::getenv("HIKY_LISTEN");
  return said && address == said;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    auto const end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) out.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool has(draft const& d, std::string_view mode) {
  return std::ranges::find(d.identity.auth, mode) != d.identity.auth.end();
}

fault judge_open(draft const& d) {
  for (auto const& where : d.config.listen) {
    if (where.is_loopback()) continue;
    auto const address = where.to_string();
    bool const by_environment = said_by_environment(address);
    if (d.identity.auth.empty())
      return by_environment ? fmt::format(nobody_said_to_the_image, address) : fmt::format(nobody_said, address);
    if (has(d, "open") && !d.identity.allow_open)
      return by_environment ? fmt::format(open_to_all_in_the_image, address) : fmt::format(open_to_all, address);
  }
  return std::nullopt;
}

fault judge_origins(draft& d) {
  for (auto const& pattern : d.identity.origins) {
    auto good = gateway::parse_origin_pattern(pattern);
    if (!good) return "--origin: " + good.error().text;
    d.config.gateway.origins.push_back(std::move(*good));
  }
  return std::nullopt;
}

fault read_jwt_keys(std::vector<std::string> const& paths, auth::key_places& into) {
  for (auto const& path : paths) {
    auto const text = auth::key_text(path);
    if (!text) return "--jwt-key: " + text.error().text;
    auto key = auth::verification_key::from_file_text(*text);
    if (!key) return fmt::format("--jwt-key: '{}': {}", path, key.error().text);
    into.fixed.add(std::move(*key));
  }
  return std::nullopt;
}

fault read_jwks(std::string const& place, auth::key_places& into) {
  if (place.empty()) return std::nullopt;
  if (place.contains("://")) {
    auto where = auth::parse_web_address(place);
    if (!where) return "--jwks: " + where.error().text;
    into.jwks = std::move(*where);
    return std::nullopt;
  }
  auto const text = auth::key_text(place);
  if (!text) return "--jwks: " + text.error().text;
  // Tried now, so that a bad file is told at once.
  if (auto const keys = auth::key_set::from_jwks(*text, true); !keys)
    return fmt::format("--jwks: '{}': {}", place, keys.error().text);
  into.jwks = place;
  return std::nullopt;
}

fault judge_jwt(draft& d) {
  auto const& said = d.identity;
  bool const configured = !said.jwt_keys.empty() || !said.jwks.empty();
  if (!has(d, "jwt")) {
    if (configured || !said.token.audiences.empty() || !said.token.issuer.empty())
      return "--jwt-key, --jwks, --jwt-audience and --jwt-issuer are for --auth jwt; add that, or leave them out";
    return std::nullopt;
  }
  if (!configured) return "--auth jwt: there is no key to check tokens with; add --jwt-key or --jwks";
  if (said.token.user_claim.empty()) return "--jwt-user-claim must not be empty";
  auto& jwt = d.config.gateway.identity.jwt.emplace();
  jwt.rules = said.token;
  if (auto wrong = read_jwt_keys(said.jwt_keys, jwt.keys)) return wrong;
  return read_jwks(said.jwks, jwt.keys);
}

fault judge_session(draft& d) {
  auto const& place = d.identity.session_secret;
  if (!has(d, "session")) {
    if (place.empty()) return std::nullopt;
    return "--session-secret is for --auth session; add that, or leave it out";
  }
  if (place.empty()) return "--auth session: there is no secret to check cookies with; add --session-secret";
  auto const text = auth::key_text(place);
  if (!text) return "--session-secret: " + text.error().text;
  auto settings = d.identity.session;
  settings.secrets = lines_of(*text);
  if (settings.secrets.empty()) return fmt::format("--session-secret: '{}' holds no secret", place);
  for (auto const& secret : settings.secrets) {
    if (secret.size() < least_secret)
      return fmt::format("--session-secret: a secret of {} bytes can be guessed; expected at least {}", secret.size(),
                         least_secret);
  }
  if (settings.cookie.empty() || settings.user_path.empty())
    return "--session-cookie and --session-user-path must not be empty";
  d.config.gateway.identity.session = std::move(settings);
  return std::nullopt;
}

fault judge_hook(draft& d) {
  auto const& said = d.identity;
  auto& hook = d.config.gateway.rooms.hook;
  if (said.room_hook.empty()) return "--room-policy hook: there is nobody to ask; add --room-hook";
  auto where = auth::parse_web_address(said.room_hook);
  if (!where) return "--room-hook: " + where.error().text;
  hook.where = std::move(*where);
  if (said.room_hook_key.empty()) return std::nullopt;
  auto const text = auth::key_text(said.room_hook_key);
  if (!text) return "--room-hook-key: " + text.error().text;
  auto const lines = lines_of(*text);
  if (lines.size() != 1)
    return fmt::format("--room-hook-key: '{}' has {} lines; expected one key", said.room_hook_key, lines.size());
  hook.key = lines.front();
  return std::nullopt;
}

}  // namespace

fault judge_identity(draft& d) {
  if (auto wrong = judge_open(d)) return wrong;
  d.config.gateway.identity.open = d.identity.auth.empty() || has(d, "open");
  if (auto wrong = judge_origins(d)) return wrong;
  if (auto wrong = judge_jwt(d)) return wrong;
  return judge_session(d);
}

fault judge_rooms(draft& d) {
  using kind = chat::room_policy_settings::kind;
  auto const by = d.config.gateway.rooms.by;
  if (by == kind::token && !has(d, "jwt"))
    return "--room-policy token: only tokens name rooms; add --auth jwt, or choose another policy";
  if (by == kind::hook) return judge_hook(d);
  if (!d.identity.room_hook.empty() || !d.identity.room_hook_key.empty())
    return "--room-hook and --room-hook-key are for --room-policy hook; add that, or leave them out";
  return std::nullopt;
}

fault judge_api_keys(draft& d) {
  auto const& place = d.identity.api_key_file;
  if (place.empty()) return std::nullopt;
  auto& keys = d.config.gateway.api_keys;
  keys = std::make_shared<auth::api_key_file>(place);
  if (auto const read = keys->load(); !read) return "--api-key-file: " + read.error().text;
  return std::nullopt;
}

}  // namespace hiky::app
