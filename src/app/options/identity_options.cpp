// SPDX-License-Identifier: Apache-2.0
// The options of the group "Identity": how clients prove who they are, and who may come from where and enter what. With
// them stand the databases of the group "Redis" that nothing else needs.
#include "app/options/draft.hpp"
#include "app/options/option_groups.hpp"

namespace hiky::app {
namespace {

constexpr std::string_view identity = "Identity", redis = "Redis";

chat::room_policy_settings::kind policy_of(std::string_view name) {
  using kind = chat::room_policy_settings::kind;
  return name == "members" ? kind::members : name == "token" ? kind::token : name == "hook" ? kind::hook : kind::open;
}

constexpr option table[]{
    {.name = "auth",
     .group = identity,
     .takes = texts{[](auto& d, auto v) { d.identity.auth = std::move(v); }, "open,jwt,session"},
     .help = "how clients prove who they are: jwt, session, open (register.userId is believed; the default on "
             "loopback); repeatable"},
    {.name = "allow-open",
     .group = identity,
     .takes = flag{[](auto& d) { d.identity.allow_open = true; }},
     .help = "permit --auth open on an address that others can reach"},
    {.name = "jwt-key",
     .group = identity,
     .takes = texts{[](auto& d, auto v) { d.identity.jwt_keys = std::move(v); }},
     .secret = true,
     .help = "FILE, or env:NAME of a variable, with what tokens are checked with: a public key or certificate in PEM, "
             "or else the secret; repeatable"},
    {.name = "jwks",
     .group = identity,
     .takes = text{[](auto& d, auto v) { d.identity.jwks = std::move(v); }},
     .secret = true,
     .help = "FILE, env:NAME or http(s)://… with a JWKS; read again when a token names a key that is not in it, and "
             "every 5 minutes"},
    {.name = "jwt-audience",
     .group = identity,
     .takes = texts{[](auto& d, auto v) { d.identity.token.audiences = std::move(v); }},
     .help = "who this is, in the aud of tokens; repeatable"},
    {.name = "jwt-issuer",
     .group = identity,
     .takes = text{[](auto& d, auto v) { d.identity.token.issuer = std::move(v); }},
     .help = "whose tokens are good: their iss"},
    {.name = "jwt-leeway",
     .group = identity,
     .takes = whole{[](auto& d, auto v) { d.identity.token.leeway = std::chrono::seconds{v}; }, 0, 600},
     .initial = "30",
     .help = "seconds by which clocks may differ"},
    {.name = "jwt-user-claim",
     .group = identity,
     .takes = text{[](auto& d, auto v) { d.identity.token.user_claim = std::move(v); }},
     .initial = "sub",
     .help = "where the user's id stands in a token: names with dots between them"},
    {.name = "jwt-require-exp",
     .group = identity,
     .takes = truth{[](auto& d, auto v) { d.identity.token.require_expiry = v; }},
     .initial = "true",
     .help = "false = a token without exp is taken, for connections of at most 24 hours"},
    {.name = "session-secret",
     .group = identity,
     .takes = text{[](auto& d, auto v) { d.identity.session_secret = std::move(v); }},
     .secret = true,
     .help = "FILE, or env:NAME of a variable, with the secrets that express-session signs cookies with, one a line"},
    {.name = "session-cookie",
     .group = identity,
     .takes = text{[](auto& d, auto v) { d.identity.session.cookie = std::move(v); }},
     .initial = "connect.sid",
     .help = "the session cookie's name"},
    {.name = "session-prefix",
     .group = identity,
     .takes = text{[](auto& d, auto v) { d.identity.session.prefix = std::move(v); }},
     .initial = "sess:",
     .help = "what stands before a session's id in Redis"},
    {.name = "session-user-path",
     .group = identity,
     .takes = text{[](auto& d, auto v) { d.identity.session.user_path = std::move(v); }},
     .initial = "passport.user",
     .help = "where the user's id stands in a session"},
    {.name = "session-check",
     .group = identity,
     .takes = whole{[](auto& d, auto v) { d.config.gateway.flow.session_check = std::chrono::seconds{v}; }, 0, 86'400},
     .initial = "10",
     .help = "seconds in which every live connection's session is looked at again; 0 = only when it would expire"},
    {.name = "origin",
     .group = identity,
     .takes = texts{[](auto& d, auto v) { d.identity.origins = std::move(v); }},
     .help = "whose pages may connect: SCHEME://HOST[:PORT] with * for parts, or *; repeatable; default: pages of the "
             "same host"},
    {.name = "room-policy",
     .group = identity,
     .takes = choice{[](auto& d, auto v) { d.config.gateway.rooms.by = policy_of(v); }, "open,members,token,hook"},
     .initial = "open",
     .help =
         "who may enter a room: open (anybody identified), members, token (whom the rooms of the token name), hook"},
    {.name = "room-hook",
     .group = identity,
     .takes = text{[](auto& d, auto v) { d.identity.room_hook = std::move(v); }},
     .secret = true,
     .help = "http(s)://… of the application, asked whether somebody may enter a room"},
    {.name = "room-hook-key",
     .group = identity,
     .takes = text{[](auto& d, auto v) { d.identity.room_hook_key = std::move(v); }},
     .secret = true,
     .help = "FILE, or env:NAME of a variable, with the key that the hook is shown as Authorization: Bearer"},
    {.name = "room-hook-ttl",
     .group = identity,
     .takes = whole{[](auto& d, auto v) { d.config.gateway.rooms.hook.life = std::chrono::seconds{v}; }, 0, 86'400},
     .initial = "30",
     .help = "seconds for which a yes of the hook holds; 0 = it is asked each time"},
    {.name = "room-hook-timeout",
     .group = identity,
     .takes = whole{[](auto& d, auto v) { d.config.gateway.rooms.hook.patience = std::chrono::milliseconds{v}; }, 10,
                    60'000},
     .initial = "2000",
     .help = "milliseconds to wait for the hook"},

    {.name = "redis-db-cache",
     .group = redis,
     .takes = database{[](auto& d, auto v) { d.config.gateway.rooms.cache_database = v; }},
     .initial = "2",
     .help = "database of what can be asked again"},
    {.name = "redis-db-session",
     .group = redis,
     .takes = database{[](auto& d, auto v) { d.config.gateway.identity.session_database = v; }},
     .initial = "3",
     .help = "database of the sessions"},

    {.name = "api-key-file",
     .group = identity,
     .takes = text{[](auto& d, auto v) { d.identity.api_key_file = std::move(v); }, "FILE"},
     .secret = true,
     .reread = true,
     .help =
         "FILE, or env:NAME of a variable, with keys of the HTTP API, one a line: KEY [scope,scope]; without it the "
         "API is closed"},
};

}  // namespace

std::span<option const> identity_options() { return table; }

}  // namespace hiky::app
