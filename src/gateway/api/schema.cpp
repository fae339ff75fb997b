// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api_schemas.hpp"
#include "gateway/api/route.hpp"

namespace hiky::gateway {
namespace {

bool is_of(json::value const& v, std::string_view type) {
  if (type == "object") return v.is_object();
  if (type == "array") return v.is_array();
  if (type == "string") return v.is_string();
  if (type == "integer") return v.is_int64() || v.is_uint64();
  if (type == "number") return v.is_number();
  if (type == "boolean") return v.is_bool();
  return v.is_null();
}

std::string named(std::string const& path) { return path.empty() ? "the body" : path; }

// Characters as JSON Schema counts them.
std::size_t length(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::optional<std::string> string_fault(std::string_view text, json::object const& schema, std::string const& path) {
  if (auto const* format = schema.if_contains("format"); format && format->as_string() == "hiky-id") {
    if (auto const fault = id_fault(text)) return fmt::format("{} {}", named(path), *fault);
  }
  auto const* least = schema.if_contains("minLength");
  auto const* most = schema.if_contains("maxLength");
  if (least && length(text) < least->to_number<std::size_t>()) return fmt::format("{} must not be empty", named(path));
  if (most && length(text) > most->to_number<std::size_t>()) {
    return fmt::format("{} must be at most {} characters long", named(path), most->to_number<std::size_t>());
  }
  return std::nullopt;
}

std::optional<std::string> object_fault(json::object const& object, json::object const& schema,
                                        std::string const& path) {
  auto const below = [&](std::string_view name) {
    return path.empty() ? std::string{name} : fmt::format("{}.{}", path, name);
  };
  static json::object const none;
  auto const* described = schema.if_contains("properties");
  auto const& properties = described ? described->as_object() : none;
  if (auto const* required = schema.if_contains("required")) {
    for (auto const& name : required->as_array()) {
      if (!object.contains(name.as_string())) return fmt::format("{} is missing", below(name.as_string()));
    }
  }
  auto const* others = schema.if_contains("additionalProperties");
  for (auto const& [name, member] : object) {
    if (auto const* known = properties.if_contains(name)) {
      if (auto fault = schema_fault(member, known->as_object(), below(name))) return fault;
    } else if (others && others->is_object()) {
      if (auto fault = schema_fault(member, others->as_object(), below(name))) return fault;
    } else if (others && !others->as_bool()) {
      std::string expected;
      for (auto const& property : properties) (expected += expected.empty() ? "" : ", ") += property.key();
      return fmt::format("{} is not known here; expected {}", below(name), expected);
    }
  }
  return std::nullopt;
}

}  // namespace

json::object const& all_api_schemas() {
  static json::object const all = json::parse(api_schemas::schemas_json).as_object();
  return all;
}

json::object const& api_schema(std::string_view name) { return all_api_schemas().at(name).as_object(); }

std::optional<std::string> schema_fault(json::value const& v, json::object const& schema, std::string const& path) {
  if (auto const* elsewhere = schema.if_contains("$ref")) {
    auto const where = std::string_view{elsewhere->as_string()};
    return schema_fault(v, api_schema(where.substr(where.rfind('/') + 1)), path);
  }
  if (auto const* only = schema.if_contains("const"); only && v != *only) {
    return fmt::format("{} must be {}", named(path), json::serialize(*only));
  }
  if (auto const* type = schema.if_contains("type")) {
    auto const fits =
        type->is_string()
            ? is_of(v, type->as_string())
            : std::ranges::any_of(type->as_array(), [&](json::value const& one) { return is_of(v, one.as_string()); });
    if (!fits)
      return fmt::format("{} must be of type {}", named(path),
                         type->is_string() ? std::string{type->as_string()} : json::serialize(*type));
  }
  if (v.is_string()) return string_fault(v.as_string(), schema, path);
  if (v.is_object()) return object_fault(v.as_object(), schema, path);
  if (v.is_number()) {
    auto const number = v.to_number<double>();
    if (auto const* least = schema.if_contains("minimum"); least && number < least->to_number<double>()) {
      return fmt::format("{} must be at least {}", named(path), json::serialize(*least));
    }
    if (auto const* most = schema.if_contains("maximum"); most && number > most->to_number<double>()) {
      return fmt::format("{} must be at most {}", named(path), json::serialize(*most));
    }
  }
  return std::nullopt;
}

}  // namespace hiky::gateway
