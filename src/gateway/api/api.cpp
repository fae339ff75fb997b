// SPDX-License-Identifier: Apache-2.0
#include "gateway/api/api.hpp"

#include <fmt/format.h>
#include <boost/beast/core/string.hpp>

#include <algorithm>

#include "base/log.hpp"
#include "base/trace_context.hpp"
#include "gateway/api/context.hpp"
#include "gateway/api/idempotency.hpp"
#include "gateway/api/target.hpp"
#include "gateway/http/read_request.hpp"

namespace hiky::gateway {

namespace {

constexpr std::size_t longest_message_id = 200;

std::unexpected<problem> no(http_status status, std::string_view code, std::string detail) {
  return std::unexpected(problem{status, code, std::move(detail)});
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

task<api_result> handled(api_context const& on, http_request const& request, api_demand& demand) {
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

// Calls are logged at level debug: programs make thousands a second. Our own faults are logged always.
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

task<http_response> api_response(api_context const& on, http_request const& request, api_demand demand) {
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
  on.count.api.observe(std::chrono::steady_clock::now() - came);
  on.count.api_answers[std::min(out.result_int() / 100, 5U)].add();
  tell(request, out, demand, result);
  co_return out;
}

http_response unread_api_response(http_request const& head, request_fault const& why) {
  if (why.status != http_status::payload_too_large)
    return problem_response(head, {why.status, "invalid_argument", why.reason});
  return problem_response(head,
                          {why.status, "too_large", fmt::format("the body is larger than {} bytes", max_request_body)});
}

}  // namespace hiky::gateway
