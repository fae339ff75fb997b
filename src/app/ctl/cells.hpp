// SPDX-License-Identifier: Apache-2.0
// Members of JSON objects as cells of a report: what is absent, or of another kind, is empty.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace hiky::ctl {

// The text of member `name` when it is a string or a number, otherwise nothing: for cells, never for decisions.
std::string member(json::object const& object, std::string_view name);
std::int64_t number(json::object const& object, std::string_view name);
bool holds(json::object const& object, std::string_view name);  // `true`
json::array const& list(json::object const& object, std::string_view name);

std::vector<json::object const*> objects(json::array const& all);
std::vector<std::string> texts(json::array const& all);

}  // namespace hiky::ctl
