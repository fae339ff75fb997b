// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/cells.hpp"

namespace hiky::ctl {

std::string member(json::object const& object, std::string_view name) {
  auto const* found = object.if_contains(name);
  if (found == nullptr || found->is_structured() || found->is_null()) return {};
  return found->is_string() ? std::string{found->get_string()} : json::serialize(*found);
}

std::int64_t number(json::object const& object, std::string_view name) {
  auto const* found = object.if_contains(name);
  return found != nullptr && found->is_number() ? found->to_number<std::int64_t>() : 0;
}

bool holds(json::object const& object, std::string_view name) {
  auto const* found = object.if_contains(name);
  return found != nullptr && found->is_bool() && found->get_bool();
}

json::array const& list(json::object const& object, std::string_view name) {
  static json::array const nothing;
  auto const* found = object.if_contains(name);
  return found != nullptr && found->is_array() ? found->get_array() : nothing;
}

std::vector<json::object const*> objects(json::array const& all) {
  std::vector<json::object const*> out;
  for (auto const& each : all) {
    if (each.is_object()) out.push_back(&each.get_object());
  }
  return out;
}

std::vector<std::string> texts(json::array const& all) {
  std::vector<std::string> out;
  for (auto const& each : all) {
    if (each.is_string()) out.emplace_back(each.get_string());
  }
  return out;
}

}  // namespace hiky::ctl
