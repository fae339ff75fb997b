// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/log_throttle.hpp"

namespace hiky::log {
namespace {

spdlog::level::level_enum to_spdlog(level at) {
  switch (at) {
    case level::debug: return spdlog::level::debug;
    case level::info: return spdlog::level::info;
    case level::warn: return spdlog::level::warn;
    case level::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

// A value with spaces, quotes or line ends is quoted, so that one event stays one line and fields can be told apart.
void append_value(std::string& out, std::string_view value) {
  bool const plain = !value.empty() && std::ranges::none_of(value, [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f || c == '"' || c == '\\' || c == '=';
  });
  if (plain) {
    out += value;
    return;
  }
  out += '"';
  for (char const c : value) {
    if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else if (c == '\t') out += "\\t";
    else if (c == '"' || c == '\\') (out += '\\') += c;
    else if (static_cast<unsigned char>(c) < ' ' || c == 0x7f)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else out += c;
  }
  out += '"';
}

// Bytes of other programs may be no UTF-8, and would spoil the whole line.
void append_json_value(std::string& out, std::string const& value) {
  auto const before = out.size();
  append_json_string(out, value);
  bool const ascii = std::ranges::all_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii || parse_json(std::string_view{out}.substr(before))) return;
  std::ranges::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(before), out.end(),
      [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
}

constexpr std::string_view name_of(level at) {
  switch (at) {
    case level::debug: return "debug";
    case level::info: return "info";
    case level::warn: return "warn";
    case level::error: return "error";
  }
  return "info";
}

std::string json_line(level at, std::string_view noun_verb, std::initializer_list<field> fields) {
  auto line = fmt::format(R"({{"time":"{}","level":"{}","event":"{}")", iso8601_now(), name_of(at), noun_verb);
  for (auto const& f : fields) {
    if (f.name == "trace" && f.value.empty()) continue;
    line += ',';
    append_json_string(line, f.name);
    line += ':';
    if (f.bare) line += f.value;
    else append_json_value(line, f.value);
  }
  return line += '}';
}

std::string text_line(std::string_view noun_verb, std::initializer_list<field> fields) {
  std::string line{noun_verb};
  for (auto const& f : fields) {
    if (f.name == "trace" && f.value.empty()) continue;
    (line += ' ') += f.name;
    line += '=';
    append_value(line, f.value);
  }
  return line;
}

format chosen = format::text;

throttle limits;
bool limited = false;

void write(level at, std::string_view noun_verb, std::initializer_list<field> fields) {
  spdlog::log(to_spdlog(at), "{}",
              chosen == format::json ? json_line(at, noun_verb, fields) : text_line(noun_verb, fields));
}

}  // namespace

void set_format(format how) { chosen = how; }
void set_level(level at_least) { spdlog::set_level(to_spdlog(at_least)); }
bool enabled(level at) { return spdlog::should_log(to_spdlog(at)); }

void event(level at, std::string_view noun_verb, std::initializer_list<field> fields) {
  if (!enabled(at)) return;
  if (at == level::debug || !limited) return write(at, noun_verb, fields);
  if (limits.lets(noun_verb, now_ms())) write(at, noun_verb, fields);
  tell_left_out();
}

void limit_lines() { limited = true; }

void tell_left_out() {
  for (auto const& [noun_verb, lines] : limits.take_omissions(now_ms()))
    write(level::warn, "log.left_out", {{"event", noun_verb}, {"lines", lines}});
}

}  // namespace hiky::log
