// SPDX-License-Identifier: Apache-2.0
// JSON text: writing strings, and finding a member's own text in a document. Parsing is Boost.JSON's.
#pragma once
#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hiky {

namespace json = boost::json;

// Appends `text` as a JSON string, quotes included. `text` is valid UTF-8.
void append_json_string(std::string& out, std::string_view text);

// Parses one JSON text (RFC 8259): at most 128 levels deep, the last of duplicate names wins, as JSON.parse does.
// invalid_argument says what is wrong and where.
result<json::value> parse_json(std::string_view text, json::storage_ptr storage = {});

// Whether `text` is one JSON object in UTF-8, to at most 256 levels. Keeps nothing: for texts that were checked once,
// and may have been spoilt since.
bool is_json_object(std::string_view text);

// The text of member `name` of the JSON object `text`, as it was written: numbers beyond 2^53 and spacing survive.
// `text` must have been accepted by parse_json; the last of duplicate names wins.
std::optional<std::string_view> raw_member(std::string_view text, std::string_view name);

// The same of each element of the JSON array `text`; nothing if it is no array.
std::vector<std::string_view> raw_elements(std::string_view text);

}  // namespace hiky
