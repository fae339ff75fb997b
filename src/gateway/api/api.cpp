// SPDX-License-Identifier: Apache-2.0
#include "gateway/api/api.hpp"

#include <fmt/format.h>
#include <boost/beast/core/string.hpp>

#include <algorithm>

#include "base/log.hpp"
#include "base/trace_context.hpp"
#include "gateway/api/idempotency.hpp"
#include "gateway/api/route.hpp"
#include "gateway/api/target.hpp"
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
std::expected<auth::api_key, problem> caller(worker& on, auth::api_keys const& keys, http_request const& request,
                                             peer_address const& from) {
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
  if (auto const may = on.api_limits().may_try(from, key ? key->name : std::string{}); !may) {
    on.count().api_guesses_refused.add();
    return std::unexpected(too_many(may.error(), "too many wrong keys came from your address; wait, and mend the key"));
  }
  if (key) {
    on.api_limits().succeeded(from, key->name);
    if (auto const may = on.api_limits().take(key->name); !may) {
      on.count().api_requests_refused.add();
      return std::unexpected(too_many(
          may.error(), "too many requests with this key; send them more slowly (hikyd's limit is --rate-api)"));
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
                 {{http_field::www_authenticate,
                   fmt::format(R"({}, error="insufficient_scope", scope="{}")", realm, to_string(needed))}}};
}

std::expected<void, problem> check_ids(api_call const& call) {
  auto const names = names_in(call.route.pattern);
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto const fault = names[i] != "id" ? id_fault(call.ids[i])
                       : call.ids[i].size() > longest_message_id
                           ? std::optional<std::string_view>{"is too long for a messageId"}
                           : std::nullopt;
    if (fault)
      return no(http_status::bad_request, "invalid_argument", fmt::format("the {} in the path {}", names[i], *fault));
  }
  return {};
}

std::expected<void, problem> check_query(api_call const& call) {
  for (std::size_t i = 0; i < call.query.size(); ++i) {
    auto const& name = call.query[i].first;
    auto const known = std::ranges::any_of(call.route.parameters,
                                           [&](api_parameter const& p) { return p.in == "query" && p.name == name; });
    if (!known)
      return no(http_status::bad_request, "invalid_argument",
                fmt::format("the query parameter '{}' is not known here", name));
    auto const again = std::ranges::find(call.query.begin() + static_cast<std::ptrdiff_t>(i) + 1, call.query.end(),
                                         name, [](auto const& pair) -> std::string const& { return pair.first; });
    if (again != call.query.end())
      return no(http_status::bad_request, "invalid_argument",
                fmt::format("the query parameter '{}' stands twice", name));
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
  if (request.body().empty() && !api_schema(call.route.request).contains("required"))
    return {};  // all of it may be left out
  auto const type = request[http_field::content_type];
  if (!is_json({type.data(), type.size()})) {
    return no(http_status::unsupported_media_type, "unsupported_media_type",
              "the body must be JSON, and say so: `Content-Type: application/json`");
  }
  if (request.count(http_field::content_encoding) > 0) {
    return no(http_status::unsupported_media_type, "unsupported_media_type",
              "a compressed body is not understood; send it as it is");
  }
  auto parsed = parse_json(request.body());
  if (!parsed) return no(http_status::bad_request, "bad_json", std::move(parsed.error().text));
  if (auto fault = schema_fault(*parsed, api_schema(call.route.request)))
    return no(http_status::bad_request, "invalid_argument", std::move(*fault));
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

task<api_result> handled(worker& on, http_request const& request, api_demand& demand) {
  if (demand.refusal) co_return std::unexpected(std::move(*demand.refusal));
  api_call call{.on = on,
                .route = *demand.route,
                .ids = std::move(demand.ids),
                .query = std::move(demand.query),
                .key = demand.key ? std::string_view{demand.key->name} : std::string_view{}};
  if (auto const ok = check(call, request); !ok) co_return std::unexpected(ok.error());
  co_return co_await call.route.handle(call);
}

http_response made(http_request const& request, api_demand const& demand, api_result const& result) {
  if (!result) return problem_response(request, result.error());
  auto out = plain_response(request, demand.route->status, result->json);
  out.set(http_field::content_type, "application/json");
  out.set(http_field::cache_control, "no-store");
  for (auto const& [name, value] : result->headers) out.set(name, value);
  return out;
}

// Each call to who debugs: programs make thousands a second. What went wrong here always.
void tell(http_request const& request, http_response const& response, api_demand const& demand,
          api_result const& result) {
  auto const* cause = result || result.error().cause.empty() ? nullptr : &result.error().cause;
  auto const level = cause ? log::level::error : log::level::debug;
  if (!log::enabled(level)) return;
  auto const trace = request["traceparent"];
  log::event(level, cause ? "api.failed" : "api.called",
             {{"method", std::string_view{request.method_string()}},
              {"route", demand.route ? demand.route->pattern : std::string_view{"-"}},
              {"status", response.result_int()},
              {"key", demand.key ? std::string_view{demand.key->name} : std::string_view{"-"}},
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

// From outside in: is there a path, may this caller have it. What is sent to it is looked at when the body is there.
api_demand judge_api_head(worker& on, http_request const& head, peer_address const& from) {
  api_demand out;
  auto target = parse_api_target({head.target().data(), head.target().size()});
  auto found = target ? find_route(head.method(), target->segments) : found_route{};
  if (head.method() == verb::options && !found.allow.empty()) {
    out.options = std::move(found.allow);
    return out;
  }
  if (!found.route || found.route->scope) {
    if (!on.settings().api_keys) {
      out.refusal = {http_status::forbidden, "closed",
                     "the HTTP API is closed; hikyd opens it to the keys of a file: --api-key-file FILE"};
      return out;
    }
    auto key = caller(on, *on.settings().api_keys->keys(), head, from);
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

task<http_response> api_response(worker& on, http_request const& request, api_demand demand) {
  auto const came = std::chrono::steady_clock::now();
  if (!demand.options.empty()) {
    // No CORS headers: pages of other sites are not let in. A key does not belong into a browser.
    auto out = plain_response(request, http_status::no_content, {});
    out.erase(http_field::content_type);
    out.erase(http_field::content_length);
    out.set(http_field::allow, demand.options);
    co_return out;
  }
  auto const result = co_await handled(on, request, demand);
  auto out = made(request, demand, result);
  out.set("X-Content-Type-Options", "nosniff");
  on.count().api.observe(std::chrono::steady_clock::now() - came);
  on.count().api_answers[std::min(out.result_int() / 100, 5U)].add();
  tell(request, out, demand, result);
  co_return out;
}

}  // namespace hiky::gateway
