// SPDX-License-Identifier: Apache-2.0
#include "state/stored_json.hpp"

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <charconv>
#include <cmath>
#include <utility>

#include "base/log.hpp"

namespace hiky::state {
namespace {

constexpr int deepest = 128;  // as parse_json

// ECMAScript's Number::toString: the shortest digits that read back as the same double, and where the point goes.
void append_number(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  if (number == 0) {
    out += '0';  // also for -0
    return;
  }
  char text[32];
  auto const end = std::to_chars(text, text + sizeof text, number, std::chars_format::scientific).ptr;
  std::string_view scientific{text, static_cast<std::size_t>(end - text)};
  if (scientific.starts_with('-')) {
    out += '-';
    scientific.remove_prefix(1);
  }
  auto const e = scientific.find('e');
  int exponent = 0;
  auto const digits_of_exponent = scientific.substr(scientific[e + 1] == '+' ? e + 2 : e + 1);
  std::from_chars(digits_of_exponent.data(), digits_of_exponent.data() + digits_of_exponent.size(), exponent);
  std::string digits{scientific.substr(0, 1)};
  if (e > 2) digits += scientific.substr(2, e - 2);

  // The point stands behind this many digits; with zeros filled in where there are fewer.
  auto const whole = exponent + 1;
  if (whole > 21 || whole < -5) {
    out += digits.front();
    if (digits.size() > 1) out.append(".").append(digits, 1);
    out += fmt::format("e{:+}", exponent);
  } else if (whole <= 0) {
    out.append("0.").append(static_cast<std::size_t>(-whole), '0').append(digits);
  } else if (auto const point = static_cast<std::size_t>(whole); digits.size() > point) {
    out.append(digits, 0, point).append(".").append(digits, point);
  } else {
    out.append(digits).append(point - digits.size(), '0');
  }
}

// False when `v` is deeper than `levels`.
bool append(std::string& out, json::value const& v, int levels);

bool append(std::string& out, json::object const& object, int levels) {
  if (levels == 0) return false;
  out += '{';
  for (bool first = true; auto const& [name, v] : object) {
    if (!std::exchange(first, false)) out += ',';
    append_json_string(out, name);
    out += ':';
    if (!append(out, v, levels - 1)) return false;
  }
  out += '}';
  return true;
}

bool append(std::string& out, json::array const& array, int levels) {
  if (levels == 0) return false;
  out += '[';
  for (bool first = true; auto const& v : array) {
    if (!std::exchange(first, false)) out += ',';
    if (!append(out, v, levels - 1)) return false;
  }
  out += ']';
  return true;
}

bool append(std::string& out, json::value const& v, int levels) {
  switch (v.kind()) {
    case json::kind::null: out += "null"; break;
    case json::kind::bool_: out += v.get_bool() ? "true" : "false"; break;
    case json::kind::int64: out += fmt::format("{}", v.get_int64()); break;
    case json::kind::uint64: out += fmt::format("{}", v.get_uint64()); break;
    case json::kind::double_: append_number(out, v.get_double()); break;
    case json::kind::string: append_json_string(out, v.get_string()); break;
    case json::kind::array: return append(out, v.get_array(), levels);
    case json::kind::object: return append(out, v.get_object(), levels);
  }
  return true;
}

}  // namespace

result<std::string> stringify(json::object const& object) {
  std::string text;
  if (!append(text, object, deepest))
    return fail(errc::invalid_argument, fmt::format("cannot be stored as JSON: deeper than {} levels", deepest));
  // Read back at once: otherwise the text would be skipped as poison later, long after its writer was told "stored".
  if (auto const readable = parse_json(text); !readable) {
    return fail(errc::invalid_argument, "cannot be stored as JSON: " + readable.error().text);
  }
  return text;
}

result<json::object> parse_object(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  if (!parsed->is_object()) return fail(errc::invalid_argument, "JSON, but not an object");
  return std::move(parsed->get_object());
}

void poison::skip(error const& why) {
  if (skipped_++ == 0) first_reason_ = why.text;
}

void poison::report(std::string_view key) const {
  if (skipped_ > 0) log::warn("entry.skipped", {{"key", key}, {"entries", skipped_}, {"reason", first_reason_}});
}

}  // namespace hiky::state
