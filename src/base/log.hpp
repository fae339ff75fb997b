// SPDX-License-Identifier: Apache-2.0
// One line per event: `noun.verb` and fields. spdlog writes it. Never message contents, never tokens.
#pragma once
#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace hiky::log {

enum class level { debug, info, warn, error };

struct field {
  template <class T>
  field(std::string_view n, T const& v) : name(n), value(fmt::format("{}", v)) {}
  std::string_view name;
  std::string value;
};

// Where lines go; set once at start. The default is spdlog's default logger, as text.
void set_level(level at_least);
bool enabled(level at);

void event(level at, std::string_view noun_verb, std::initializer_list<field> fields = {});

inline void debug(std::string_view e, std::initializer_list<field> f = {}) {
  if (enabled(level::debug)) event(level::debug, e, f);
}
inline void info(std::string_view e, std::initializer_list<field> f = {}) { event(level::info, e, f); }
inline void warn(std::string_view e, std::initializer_list<field> f = {}) { event(level::warn, e, f); }
inline void error(std::string_view e, std::initializer_list<field> f = {}) { event(level::error, e, f); }

}  // namespace hiky::log
