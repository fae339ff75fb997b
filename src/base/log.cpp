// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"

#include <spdlog/spdlog.h>

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
  bool const plain = !value.empty() && value.find_first_of(" \"\\\n\r\t=") == std::string_view::npos;
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
    else out += c;
  }
  out += '"';
}

}  // namespace

void set_level(level at_least) { spdlog::set_level(to_spdlog(at_least)); }
bool enabled(level at) { return spdlog::should_log(to_spdlog(at)); }

void event(level at, std::string_view noun_verb, std::initializer_list<field> fields) {
  if (!enabled(at)) return;
  std::string line{noun_verb};
  for (auto const& f : fields) {
    (line += ' ') += f.name;
    line += '=';
    append_value(line, f.value);
  }
  spdlog::log(to_spdlog(at), "{}", line);
}

}  // namespace hiky::log
