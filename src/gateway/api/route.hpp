// SPDX-License-Identifier: Apache-2.0
// A route of the API, and what its handler gets and gives. Requests are dispatched by the table `api_routes`,
// and the OpenAPI document is made of the same table, so that the two can't disagree.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "auth/api_keys.hpp"
#include "base/async.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "gateway/api/problem.hpp"

namespace hiky::gateway {

struct api_context;
struct api_route;

// One request, checked as far as its route says. Outlives the handler's task.
struct api_call {
  api_context const& on;
  api_route const& route;
  std::vector<std::string> ids;  // of the path, in the pattern's order; each is a legal id
  std::vector<std::pair<std::string, std::string>> query;
  std::string body;     // the JSON text, when the route takes one
  json::object fields;  // the same, parsed, and as its schema wants it
  std::string_view key;  // name of the caller's key
  std::string idempotency_key;

  std::optional<std::string_view> parameter(std::string_view name) const;
};

struct api_answer {
  std::string json;
  std::vector<std::pair<std::string, std::string>> headers{};
};
using api_result = std::expected<api_answer, problem>;

struct api_parameter {
  std::string_view in;  // query or header
  std::string_view name;
  std::string_view schema;  // JSON text
  std::string_view description;
};

struct api_route {
  boost::beast::http::verb method;
  std::string_view pattern;  // behind /api/v1
  std::optional<auth::api_scope> scope;  // nothing: everybody may, without a key
  task<api_result> (*handle)(api_call&);
  std::string_view name;  // operationId
  std::string_view summary;
  std::string_view answer;        // schema of the body of a success, which is `status`
  std::string_view request = {};  // schema of the request's body; empty: it takes none
  std::span<api_parameter const> parameters = {};
  http_status status = http_status::ok;
};

std::span<api_route const> api_routes();

// api_schemas.json, and the schema of this name in it.
json::object const& all_api_schemas();
json::object const& api_schema(std::string_view name);
// Why `v` is not what `schema` describes, or nothing. Knows what the schemas of our requests use: type, const,
// properties, required, additionalProperties, minLength, maxLength, minimum, maximum, $ref; and ids, by format.
std::optional<std::string> schema_fault(json::value const& v, json::object const& schema, std::string const& path = {});

// The OpenAPI 3.1 document.
std::string const& openapi_document();

}  // namespace hiky::gateway
