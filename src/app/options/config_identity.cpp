// SPDX-License-Identifier: Apache-2.0
#include "app/options/config_identity.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>

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

}  // namespace

identity_options::identity_options(CLI::App& app) {
  auto const add = [&](char const* name, auto& value, char const* about) {
    return app.add_option(name, value, about)->group("Identity");
  };
  add("--auth", auth_,
      "how clients prove who they are: jwt, session, open (register.userId is believed; the default on loopback); "
      "repeatable")
      ->check(CLI::IsMember({"open", "jwt", "session"}));
  app.add_flag("--allow-open", allow_open_, "permit --auth open on an address that others can reach")
      ->group("Identity");
  add("--jwt-key", jwt_keys_,
      "FILE, or env:NAME of a variable, with what tokens are checked with: a public key or certificate in PEM, or else "
      "the secret; repeatable");
  add("--jwks", jwks_,
      "FILE, env:NAME or http(s)://… with a JWKS; read again when a token names a key that is not in it, and every 5 "
      "minutes");
  add("--jwt-audience", audiences_, "who this is, in the aud of tokens; repeatable");
  add("--jwt-issuer", issuer_, "whose tokens are good: their iss");
  add("--jwt-leeway", leeway_, "seconds by which clocks may differ")->check(CLI::Range(0, 600))->capture_default_str();
  add("--jwt-user-claim", jwt_user_claim_, "where the user's id stands in a token: names with dots between them")
      ->capture_default_str();
  add("--jwt-require-exp", jwt_require_exp_,
      "false = a token without exp is taken, for connections of at most 24 hours")
      ->default_str("true");
  add("--session-secret", session_secret_,
      "FILE, or env:NAME of a variable, with the secrets that express-session signs cookies with, one a line");
  add("--session-cookie", session_.cookie, "the session cookie's name")->capture_default_str();
  add("--session-prefix", session_.prefix, "what stands before a session's id in Redis")->capture_default_str();
  add("--session-user-path", session_.user_path, "where the user's id stands in a session")->capture_default_str();
  add("--session-check", session_check_,
      "seconds in which every live connection's session is looked at again; 0 = only when it would expire")
      ->check(CLI::Range(0, 86'400))
      ->capture_default_str();
  add("--origin", origins_,
      "whose pages may connect: SCHEME://HOST[:PORT] with * for parts, or *; repeatable; default: pages of the same "
      "host");
  add("--room-policy", room_policy_,
      "who may enter a room: open (anybody identified), members, token (whom the rooms of the token name), hook")
      ->check(CLI::IsMember({"open", "members", "token", "hook"}))
      ->capture_default_str();
  add("--room-hook", room_hook_, "http(s)://… of the application, asked whether somebody may enter a room");
  add("--room-hook-key", room_hook_key_,
      "FILE, or env:NAME of a variable, with the key that the hook is shown as Authorization: Bearer");
  add("--room-hook-ttl", room_hook_ttl_, "seconds for which a yes of the hook holds; 0 = it is asked each time")
      ->check(CLI::Range(0, 86'400))
      ->capture_default_str();
  add("--room-hook-timeout", room_hook_timeout_, "milliseconds to wait for the hook")
      ->check(CLI::Range(10, 60'000))
      ->capture_default_str();
  app.add_option("--redis-db-cache", cache_database_, "database of what can be asked again")
      ->group("Redis")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  app.add_option("--redis-db-session", session_database_, "database of the sessions")
      ->group("Redis")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
}

bool identity_options::has(std::string_view mode) const { return std::ranges::find(auth_, mode) != auth_.end(); }

std::optional<std::string> identity_options::judge_open(std::vector<gateway::listen_address> const& listen) const {
  for (auto const& where : listen) {
    if (where.is_loopback()) continue;
    auto const address = where.to_string();
    bool const by_environment = said_by_environment(address);
    if (auth_.empty()) {
      return by_environment ? fmt::format(nobody_said_to_the_image, address) : fmt::format(nobody_said, address);
    }
    if (has("open") && !allow_open_) {
      return by_environment ? fmt::format(open_to_all_in_the_image, address) : fmt::format(open_to_all, address);
    }
  }
  return std::nullopt;
}

std::optional<std::string> identity_options::apply(gateway::gateway_settings& to,
                                                   std::vector<gateway::listen_address> const& listen) const {
  if (auto fault = judge_open(listen)) return fault;
  to.identity.open = auth_.empty() || has("open");
  for (auto const& pattern : origins_) {
    auto good = gateway::parse_origin_pattern(pattern);
    if (!good) return "--origin: " + good.error().text;
    to.origins.push_back(std::move(*good));
  }
  if (auto fault = apply_jwt(to.identity)) return fault;
  if (auto fault = apply_session(to.identity)) return fault;
  to.flow.session_check = std::chrono::seconds{session_check_};
  return apply_rooms(to.rooms);
}

std::optional<std::string> identity_options::apply_rooms(chat::room_policy_settings& to) const {
  using kind = chat::room_policy_settings::kind;
  to.by = room_policy_ == "members" ? kind::members
          : room_policy_ == "token" ? kind::token
          : room_policy_ == "hook"  ? kind::hook
                                    : kind::open;
  to.cache_database = cache_database_;
  if (to.by == kind::token && !has("jwt"))
    return "--room-policy token: only tokens name rooms; add --auth jwt, or choose another policy";
  if (to.by != kind::hook) {
    if (!room_hook_.empty() || !room_hook_key_.empty())
      return "--room-hook and --room-hook-key are for --room-policy hook; add that, or leave them out";
    return std::nullopt;
  }
  if (room_hook_.empty()) return "--room-policy hook: there is nobody to ask; add --room-hook";
  auto where = parse_web_address(room_hook_);
  if (!where) return "--room-hook: " + where.error().text;
  to.hook.where = std::move(*where);
  if (!room_hook_key_.empty()) {
    auto const text = auth::key_text(room_hook_key_);
    auto const lines = text ? lines_of(*text) : std::vector<std::string>{};
    if (lines.size() != 1)
      return text ? fmt::format("--room-hook-key: '{}' has {} lines; expected one key", room_hook_key_, lines.size())
                  : "--room-hook-key: " + text.error().text;
    to.hook.key = lines.front();
  }
  to.hook.life = std::chrono::seconds{room_hook_ttl_};
  to.hook.patience = std::chrono::milliseconds{room_hook_timeout_};
  return std::nullopt;
}

std::optional<std::string> identity_options::apply_jwt(auth::gate_settings& to) const {
  bool const configured = !jwt_keys_.empty() || !jwks_.empty();
  if (!has("jwt")) {
    if (configured || !audiences_.empty() || !issuer_.empty())
      return "--jwt-key, --jwks, --jwt-audience and --jwt-issuer are for --auth jwt; add that, or leave them out";
    return std::nullopt;
  }
  if (!configured) return "--auth jwt: there is no key to check tokens with; add --jwt-key or --jwks";
  auto& jwt = to.jwt.emplace();
  if (jwt_user_claim_.empty()) return "--jwt-user-claim must not be empty";
  jwt.rules = {audiences_, issuer_, std::chrono::seconds{leeway_}, jwt_user_claim_, jwt_require_exp_};
  for (auto const& path : jwt_keys_) {
    auto const text = auth::key_text(path);
    if (!text) return "--jwt-key: " + text.error().text;
    auto key = auth::verification_key::from_file_text(*text);
    if (!key) return fmt::format("--jwt-key: '{}': {}", path, key.error().text);
    jwt.keys.fixed.add(std::move(*key));
  }
  if (jwks_.contains("://")) {
    auto where = parse_web_address(jwks_);
    if (!where) return "--jwks: " + where.error().text;
    jwt.keys.jwks = std::move(*where);
  } else if (!jwks_.empty()) {
    auto const text = auth::key_text(jwks_);
    auto const keys = text ? auth::key_set::from_jwks(*text, true) : std::unexpected(text.error());
    if (!keys) return text ? fmt::format("--jwks: '{}': {}", jwks_, keys.error().text) : "--jwks: " + keys.error().text;
    jwt.keys.jwks = jwks_;
  }
  return std::nullopt;
}

std::optional<std::string> identity_options::apply_session(auth::gate_settings& to) const {
  if (!has("session")) {
    return session_secret_.empty()
               ? std::nullopt
               : std::optional<std::string>{"--session-secret is for --auth session; add that, or leave it out"};
  }
  if (session_secret_.empty()) return "--auth session: there is no secret to check cookies with; add --session-secret";
  auto const text = auth::key_text(session_secret_);
  if (!text) return "--session-secret: " + text.error().text;
  auto settings = session_;
  settings.secrets = lines_of(*text);
  if (settings.secrets.empty()) return fmt::format("--session-secret: '{}' holds no secret", session_secret_);
  for (auto const& secret : settings.secrets) {
    if (secret.size() < least_secret)
      return fmt::format("--session-secret: a secret of {} bytes can be guessed; expected at least {}", secret.size(),
                         least_secret);
  }
  if (settings.cookie.empty() || settings.user_path.empty())
    return "--session-cookie and --session-user-path must not be empty";
  to.session = std::move(settings);
  to.session_database = session_database_;
  return std::nullopt;
}

}  // namespace hiky::app
