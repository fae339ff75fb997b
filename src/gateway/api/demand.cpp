// SPDX-License-Identifier: Apache-2.0
#include "gateway/api/demand.hpp"

#include <fmt/format.h>
#include <boost/beast/core/string.hpp>

#include "gateway/api/context.hpp"
#include "gateway/api/target.hpp"

namespace hiky::gateway {

using boost::beast::http::verb;

namespace {

constexpr std::string_view realm = R"(Bearer realm="hiky")";

struct found_route {
  api_route const* route = nullptr;  // of the method, if there is one
  std::vector<std::string> ids;
  std::string allow;  // methods of the path; empty: there is no such path
};

found_route find_route(verb method, std::vector<std::string> const& segments) {
  found_route out;
  std::string_view pattern;
  for (auto const& r : api_routes()) {
    auto ids = match_pattern(r.pattern, segments);
    if (!ids || (!pattern.empty() && r.pattern != pattern)) continue;
    pattern = r.pattern;  // the first one counts: /users/online is no user
    out.allow +=
        fmt::format("{}{}", out.allow.empty() ? "" : ", ", std::string_view{boost::beast::http::to_string(r.method)});
    if (r.method == verb::get) out.allow += ", HEAD";
    if (r.method != method && !(r.method == verb::get && method == verb::head)) continue;
    out.route = &r;
    out.ids = std::move(*ids);
  }
  if (!out.allow.empty()) out.allow += ", OPTIONS";
  return out;
}

problem too_many(api_limits::wait wait, std::string detail) {
  return {http_status::too_many_requests,
          "rate_limited",
          std::move(detail),
          {{http_field::retry_after, fmt::to_string(wait.count())}}};
}

// The caller's key. `keys` is what the file holds now.
std::expected<auth::api_key, problem> caller(api_context const& on, auth::api_keys const& keys,
                                             http_request const& request, peer_address const& from) {
  auto const header = request[http_field::authorization];
  std::string_view const text{header.data(), header.size()};
  constexpr std::string_view bearer = "Bearer ";
  problem why{http_status::unauthorized,
              "unauthorized",
              "a key is needed: send `Authorization: Bearer KEY`",
              {{http_field::www_authenticate, std::string{realm}}}};
  if (text.size() < bearer.size() || !boost::beast::iequals(text.substr(0, bearer.size()), bearer))
    return std::unexpected(std::move(why));
  auto const* const key = keys.find(text.substr(bearer.size()));
  if (auto const may = on.limits.may_try(from, key ? key->name : std::string{}); !may) {
    on.count.api_guesses_refused.add();
    return std::unexpected(too_many(may.error(), "too many wrong keys came from your address; wait, and mend the key"));
  }
  if (key) {
    on.limits.succeeded(from, key->name);
    if (auto const may = on.limits.take(key->name); !may) {
      on.count.api_requests_refused.add();
      return std::unexpected(too_many(
          may.error(), "too many requests with this key; send them more slowly (hikyd's limit is --rate-api)"));
    }
    return *key;
  }
  on.limits.failed(from);
  why.detail = "this key is not known here";
  why.headers.front().second += R"(, error="invalid_token")";
  return std::unexpected(std::move(why));
}

std::optional<problem> scope_problem(auth::api_key const& key, auth::api_scope needed) {
  if (key.may(needed)) return std::nullopt;
  return problem{http_status::forbidden,
                 "forbidden",
                 fmt::format("this key has not the scope {}, which this needs", to_string(needed)),
                 {{http_field::www_authenticate,
                   fmt::format(R"({}, error="insufficient_scope", scope="{}")", realm, to_string(needed))}}};
}

}  // namespace

// From outside in: is there a path, may this caller have it. The body is looked at when it is there.
api_demand judge_api_head(api_context const& on, http_request const& head, peer_address const& from) {
  api_demand out;
  auto target = parse_api_target({head.target().data(), head.target().size()});
  auto found = target ? find_route(head.method(), target->segments) : found_route{};
  if (head.method() == verb::options && !found.allow.empty()) {
    out.options = std::move(found.allow);
    return out;
  }
  if (!found.route || found.route->scope) {
    if (!on.keys) {
      out.refusal = {http_status::forbidden, "closed",
                     "the HTTP API is closed; hikyd opens it to the keys of a file: --api-key-file FILE"};
      return out;
    }
    auto key = caller(on, *on.keys->keys(), head, from);
    if (!key) {
      out.refusal = std::move(key.error());
      return out;
    }
    out.key = std::move(*key);
  }
  if (!target) {
    out.refusal = {http_status::bad_request, "invalid_argument", std::move(target.error())};
  } else if (found.route) {
    out.route = found.route;
    out.ids = std::move(found.ids);
    out.query = std::move(target->query);
    if (out.key) out.refusal = scope_problem(*out.key, *found.route->scope);
  } else if (found.allow.empty()) {
    out.refusal = {http_status::not_found, "not_found",
                   "there is no such path in the API; GET /api/v1/openapi.json lists them"};
  } else {
    out.refusal = {
        http_status::method_not_allowed,
        "method_not_allowed",
        fmt::format("{} is not possible here; expected {}", std::string_view{head.method_string()}, found.allow),
        {{http_field::allow, found.allow}}};
  }
  return out;
}

}  // namespace hiky::gateway
