// SPDX-License-Identifier: Apache-2.0
// A request to the HTTP API: a target (the first line of the input) and a body (the rest). The body is judged for every
// route that takes one.
#include "auth/api_keys.hpp"
#include "base/json.hpp"
#include "demand.hpp"
#include "gateway/api/route.hpp"
#include "gateway/api/target.hpp"

using namespace hiky;
using namespace hiky::gateway;

namespace {

void judge_target(std::string_view text) {
  if (!is_api_path(text.substr(0, text.find('?')))) return;
  auto const target = parse_api_target(text);
  if (!target) return demand(!target.error().empty(), "a refusal says why");
  std::size_t matches = 0;
  for (auto const& r : api_routes()) {
    auto const ids = match_pattern(r.pattern, target->segments);
    if (!ids) continue;
    ++matches;
    demand(ids->size() == names_in(r.pattern).size(), "a match has a value for every name");
    for (auto const& id : *ids)
      demand(id_fault(id).has_value() || id.size() <= max_id_size, "what has no fault is an id");
  }
  demand(matches <= 4, "a path is one resource's");
}

void judge_body(std::string_view text) {
  auto const parsed = parse_json(text);
  if (!parsed) return;
  for (auto const& r : api_routes()) {
    if (r.request.empty() || schema_fault(*parsed, api_schema(r.request))) continue;
    demand(parsed->is_object(), "a body is an object");
    auto const* required = api_schema(r.request).if_contains("required");
    for (auto const& name : required ? required->as_array() : json::array{}) {
      auto const raw = raw_member(text, name.as_string());
      demand(raw && !raw->empty(), "what is required is found in the text");
      demand(parse_json(*raw).has_value(), "and is JSON as it stands there");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(
    std::uint8_t const* data, std::size_t size) {  // NOLINT(readability-identifier-naming): libFuzzer calls it so
  std::string_view const input{reinterpret_cast<char const*>(data), size};
  auto const line = input.substr(0, input.find('\n'));
  auto const body = input.substr(std::min(input.size(), line.size() + 1));
  judge_target(line);
  judge_body(body);
  if (auto const keys = auth::api_keys::parse(body))
    demand(keys->size() > 0 && keys->find("") == nullptr, "nobody is no key");
  return 0;
}
