// SPDX-License-Identifier: Apache-2.0
#include "gateway/api.hpp"

#include <fmt/format.h>
#include <boost/beast/http/rfc7230.hpp>

#include <algorithm>

#include "base/log.hpp"
#include "base/trace_context.hpp"
#include "gateway/api_idempotency.hpp"
#include "gateway/api_route.hpp"
#include "gateway/api_target.hpp"
#include "gateway/http.hpp"
#include "gateway/site.hpp"
#include "gateway/worker.hpp"

namespace hiky::gateway {

using boost::beast::http::verb;

namespace {

constexpr std::string_view realm = R"(Bearer realm="hiky")";
constexpr std::size_t longest_message_id = 200;

std::unexpected<problem> no(http_status status, std::string_view code, std::string detail) {
  return std::unexpected(problem{status, code, std::move(detail)});
}

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
    out.allow += fmt::format("{}{}", out.allow.empty() ? "" : ", ", std::string_view{boost::beast::http::to_string(r.method)});
    if (r.method == verb::get) out.allow += ", HEAD";
    if (r.method != method && !(r.method == verb::get && method == verb::head)) continue;
    out.route = &r;
    out.ids = std::move(*ids);
  }
  if (!out.allow.empty()) out.allow += ", OPTIONS";
  return out;
}

problem too_many(api_limits::wait wait, std::string detail) {
  return {http_status::too_many_requests, "rate_limited", std::move(detail), {{http_field::retry_after, fmt::to_string(wait.count())}}};
}

// The caller's key. `keys` is what the file holds now.
std::expected<auth::api_key, problem> caller(worker& on, auth::api_keys const& keys, http_request const& request, peer_address const& from) {
  auto const header = request[http_field::authorization];
  std::string_view const text{header.data(), header.size()};
  constexpr std::string_view bearer = "Bearer ";
  problem why{http_status::unauthorized,
              "unauthorized",
              "a key is needed: send `Authorization: Bearer KEY`",
              {{http_field::www_authenticate, std::string{realm}}}};
  if (text.size() < bearer.size() || !boost::beast::iequals(text.substr(0, bearer.size()), bearer)) return std::unexpected(std::move(why));
  auto const* const key = keys.find(text.substr(bearer.size()));
  if (auto const may = on.api_limits().may_try(from, key ? key->name : std::string{}); !may) {
    on.count().api_guesses_refused.add();
    return std::unexpected(too_many(may.error(), "too many wrong keys came from your address; wait, and mend the key"));
  }
  if (key) {
    on.api_limits().succeeded(from, key->name);
    if (auto const may = on.api_limits().take(key->name); !may) {
      on.count().api_requests_refused.add();
      return std::unexpected(too_many(may.error(), "too many requests with this key; send them more slowly (hikyd's limit is --rate-api)"));
    }
    return *key;
  }
  on.api_limits().failed(from);
  why.detail = "this key is not known here";
  why.headers.front().second += R"(, error="invalid_token")";
  return std::unexpected(std::move(why));
}

std::optional<problem> scope_problem(auth::api_key const& key, auth::api_scope needed) {
  if (key.may(needed)) return std::nullopt;
  return problem{http_status::forbidden,
                 "forbidden",
                 fmt::format("this key has not the scope {}, which this needs", to_string(needed)),
                 {{http_field::www_authenticate, fmt::format(R"({}, error="insufficient_scope", scope="{}")", realm, to_string(needed))}}};
}

std::expected<void, problem> check_ids(api_call const& call) {
  auto const names = names_in(call.route.pattern);
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto const fault = names[i] != "id"                          ? id_fault(call.ids[i])
                       : call.ids[i].size() > longest_message_id ? std::optional<std::string_view>{"is too long for a messageId"}
                                                                 : std::nullopt;
    if (fault) return no(http_status::bad_request, "invalid_argument", fmt::format("the {} in the path {}", names[i], *fault));
  }
  return {};
}

std::expected<void, problem> check_query(api_call const& call) {
  for (std::size_t i = 0; i < call.query.size(); ++i) {
    auto const& name = call.query[i].first;
    auto const known = std::ranges::any_of(call.route.parameters, [&](api_parameter const& p) { return p.in == "query" && p.name == name; });
    if (!known) return no(http_status::bad_request, "invalid_argument", fmt::format("the query parameter '{}' is not known here", name));
    auto const again = std::ranges::find(call.query.begin() + static_cast<std::ptrdiff_t>(i) + 1, call.query.end(), name,
                                         [](auto const& pair) -> std::string const& { return pair.first; });
    if (again != call.query.end())
      return no(http_status::bad_request, "invalid_argument", fmt::format("the query parameter '{}' stands twice", name));
  }
  return {};
}

bool is_json(std::string_view media_type) {
  media_type = media_type.substr(0, media_type.find(';'));
  while (media_type.ends_with(' ')) media_type.remove_suffix(1);
  return boost::beast::iequals(media_type, "application/json");
}

std::expected<void, problem> read_body(api_call& call, http_request const& request) {
  if (call.route.request.empty()) return {};
  if (request.body().empty() && !api_schema(call.route.request).contains("required")) return {};  // all of it may be left out
  auto const type = request[http_field::content_type];
  if (!is_json({type.data(), type.size()})) {
    return no(http_status::unsupported_media_type, "unsupported_media_type", "the body must be JSON, and say so: `Content-Type: application/json`");
  }
  if (request.count(http_field::content_encoding) > 0) {
    return no(http_status::unsupported_media_type, "unsupported_media_type", "a compressed body is not understood; send it as it is");
  }
  auto parsed = parse_json(request.body());
  if (!parsed) return no(http_status::bad_request, "bad_json", std::move(parsed.error().text));
  if (auto fault = schema_fault(*parsed, api_schema(call.route.request))) return no(http_status::bad_request, "invalid_argument", std::move(*fault));
  call.fields = std::move(parsed->as_object());
  call.body = request.body();
  return {};
}

std::expected<void, problem> check(api_call& call, http_request const& request) {
  if (auto ok = check_ids(call); !ok) return ok;
  if (auto ok = check_query(call); !ok) return ok;
  auto once = idempotency_key(request);
  if (!once) return std::unexpected(std::move(once.error()));
  call.idempotency_key = std::move(*once);
  return read_body(call, request);
}

task<api_result> handled(worker& on, http_request const& request, auth::api_key const& key, found_route found, api_target target) {
  api_call call{.on = on, .route = *found.route, .ids = std::move(found.ids), .query = std::move(target.query), .key = key.name};
  if (auto const ok = check(call, request); !ok) co_return std::unexpected(ok.error());
  co_return co_await call.route.handle(call);
}

struct outcome {
  api_result result;
  api_route const* route = nullptr;
  auth::api_key key{};
};

// From outside in: is there a path, may this caller have it, is what it sends right.
task<outcome> answered(worker& on, http_request const& request, peer_address from) {
  outcome out{no(http_status::not_found, "not_found", "there is no such path in the API; GET /api/v1/openapi.json lists them")};
  auto const refuse = [&out](problem why) { out.result = std::unexpected(std::move(why)); };
  auto target = parse_api_target({request.target().data(), request.target().size()});
  auto found = target ? find_route(request.method(), target->segments) : found_route{};
  bool const everybody = found.route && !found.route->scope;
  if (!everybody) {
    if (!on.settings().api_keys) {
      refuse({http_status::forbidden, "closed", "the HTTP API is closed; hikyd opens it to the keys of a file: --api-key-file FILE"});
      co_return out;
    }
    auto key = caller(on, *on.settings().api_keys->keys(), request, from);
    if (!key) {
      refuse(std::move(key.error()));
      co_return out;
    }
    out.key = std::move(*key);
  }
  if (!target) {
    refuse({http_status::bad_request, "invalid_argument", std::move(target.error())});
  } else if (found.route) {
    out.route = found.route;
    if (auto forbidden = everybody ? std::nullopt : scope_problem(out.key, *found.route->scope)) refuse(std::move(*forbidden));
    else out.result = co_await handled(on, request, out.key, std::move(found), std::move(*target));
  } else if (!found.allow.empty()) {
    refuse({http_status::method_not_allowed,
            "method_not_allowed",
            fmt::format("{} is not possible here; expected {}", std::string_view{request.method_string()}, found.allow),
            {{http_field::allow, found.allow}}});
  }
  co_return out;
}

http_response made(http_request const& request, outcome const& o) {
  if (!o.result) return problem_response(request, o.result.error());
  auto out = plain_response(request, o.route->status, o.result->json);
  out.set(http_field::content_type, "application/json");
  out.set(http_field::cache_control, "no-store");
  for (auto const& [name, value] : o.result->headers) out.set(name, value);
  return out;
}

// Changes are told, reading only to who debugs; what went wrong here always.
void tell(http_request const& request, http_response const& response, outcome const& o) {
  bool const reads = request.method() == verb::get || request.method() == verb::head;
  auto const* cause = o.result || o.result.error().cause.empty() ? nullptr : &o.result.error().cause;
  auto const level = cause ? log::level::error : reads ? log::level::debug : log::level::info;
  if (!log::enabled(level)) return;
  auto const trace = request["traceparent"];
  log::event(level, cause ? "api.failed" : "api.called",
             {{"method", std::string_view{request.method_string()}},
              {"route", o.route ? o.route->pattern : std::string_view{"-"}},
              {"status", response.result_int()},
              {"key", o.key.name.empty() ? std::string_view{"-"} : std::string_view{o.key.name}},
              {"reason", cause ? std::string_view{*cause} : std::string_view{"-"}},
              {"trace", trace_id_of({trace.data(), trace.size()})}});
}

}  // namespace

std::optional<std::string_view> api_call::parameter(std::string_view name) const {
  for (auto const& [known, value] : query) {
    if (known == name) return value;
  }
  return std::nullopt;
}

task<http_response> api_response(worker& on, http_request const& request, peer_address from) {
  auto const came = std::chrono::steady_clock::now();
  if (request.method() == verb::options) {
    // No CORS headers: pages of other sites are not let in. A key does not belong into a browser.
    auto const target = parse_api_target({request.target().data(), request.target().size()});
    auto const allow = target ? find_route(verb::options, target->segments).allow : std::string{};
    if (!allow.empty()) {
      auto out = plain_response(request, http_status::no_content, {});
      out.erase(http_field::content_type);
      out.erase(http_field::content_length);
      out.set(http_field::allow, allow);
      co_return out;
    }
  }
  auto const o = co_await answered(on, request, from);
  auto out = made(request, o);
  out.set("X-Content-Type-Options", "nosniff");
  on.count().api.observe(std::chrono::steady_clock::now() - came);
  on.count().api_answers[std::min(out.result_int() / 100, 5U)].add();
  tell(request, out, o);
  if (request.method() == verb::head) out.body().clear();  // Content-Length stays that of the GET
  co_return out;
}

}  // namespace hiky::gateway
