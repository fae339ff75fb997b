// SPDX-License-Identifier: Apache-2.0
// The OpenAPI 3.1 document, made of the routes and the schemas.
#include <fmt/format.h>

#include <algorithm>

#include "base/version.hpp"
#include "gateway/api/route.hpp"
#include "gateway/api/target.hpp"

namespace hiky::gateway {
namespace {

using boost::beast::http::verb;

json::object schema_reference(std::string_view name) {
  return {{"$ref", fmt::format("#/components/schemas/{}", name)}};
}

json::object json_body(std::string_view schema) {
  return {{"application/json", json::object{{"schema", schema_reference(schema)}}}};
}

json::array parameters_of(api_route const& r) {
  json::array out;
  for (auto const name : names_in(r.pattern)) {
    out.emplace_back(json::object{{"in", "path"},
                                  {"name", name},
                                  {"required", true},
                                  {"schema", schema_reference(name == "id"                              ? "MessageId"
                                                              : name == "user" && r.method == verb::put ? "NewUserId"
                                                                                                        : "Id")}});
  }
  for (auto const& p : r.parameters) {
    out.emplace_back(json::object{
        {"in", p.in}, {"name", p.name}, {"description", p.description}, {"schema", json::parse(p.schema)}});
  }
  return out;
}

json::object responses_of(api_route const& r) {
  std::string const status = fmt::to_string(static_cast<unsigned>(r.status));
  json::object success{{"description", obsolete_reason(r.status)}, {"content", json_body(r.answer)}};
  if (std::ranges::find(r.parameters, "Idempotency-Key", &api_parameter::name) != r.parameters.end()) {
    success["headers"] = json::object{
        {"Idempotency-Replayed", json::object{{"description", "true when this had been done already"},
                                              {"schema", json::object{{"type", "string"}, {"const", "true"}}}}}};
  }
  json::object out{{status, std::move(success)}};
  if (r.scope) out["default"] = json::object{{"$ref", "#/components/responses/Problem"}};
  else out["4XX"] = json::object{{"$ref", "#/components/responses/Problem"}};
  return out;
}

json::object operation(api_route const& r) {
  json::object out{{"operationId", r.name}, {"summary", r.summary}};
  auto const group = r.pattern.substr(1, r.pattern.find('/', 1) - 1);
  out["tags"] = json::array{group == "rooms" || group == "users" ? group : std::string_view{"server"}};
  if (auto parameters = parameters_of(r); !parameters.empty()) out["parameters"] = std::move(parameters);
  if (!r.request.empty())
    out["requestBody"] =
        json::object{{"required", api_schema(r.request).contains("required")}, {"content", json_body(r.request)}};
  out["responses"] = responses_of(r);
  if (r.scope) {
    // Scopes of a bearer key stand here since OpenAPI 3.1, as roles.
    out["security"] = json::array{json::object{{"key", json::array{to_string(*r.scope)}}}};
  } else {
    out["security"] = json::array{};
  }
  return out;
}

std::string method_name(verb method) {
  std::string out{std::string_view{boost::beast::http::to_string(method)}};
  for (auto& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

json::object document() {
  json::object paths;
  for (auto const& r : api_routes()) {
    auto& path = paths[r.pattern];
    if (path.is_null()) path.emplace_object();
    path.as_object()[method_name(r.method)] = operation(r);
  }
  json::object const problems{
      {"description", "Why not"},
      {"content", json::object{{problem_media_type, json::object{{"schema", schema_reference("Problem")}}}}}};
  return {
      {"openapi", "3.1.0"},
      {"info", json::object{{"title", "hiky"},
                            {"version", version},
                            {"summary", "Chat over WebSockets and Redis, for the application's other programs"},
                            {"license", json::object{{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
      {"servers", json::array{json::object{{"url", api_prefix}}}},
      {"tags", json::array{json::object{{"name", "rooms"}, {"description", "Publishing, history, membership"}},
                           json::object{{"name", "users"}, {"description", "Who is online, and frames to them"}},
                           json::object{{"name", "server"}, {"description", "Instances, Redis, maintenance"}}}},
      {"paths", std::move(paths)},
      {"components", json::object{{"schemas", all_api_schemas()},
                                  {"responses", json::object{{"Problem", problems}}},
                                  {"securitySchemes",
                                   json::object{{"key", json::object{{"type", "http"},
                                                                     {"scheme", "bearer"},
                                                                     {"description", "A key of --api-key-file"}}}}}}},
  };
}

}  // namespace

std::string const& openapi_document() {
  static std::string const text = json::serialize(document());
  return text;
}

}  // namespace hiky::gateway
