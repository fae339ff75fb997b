// SPDX-License-Identifier: Apache-2.0
// One line per event: `noun.verb` and fields. spdlog writes it. Never message contents, never tokens.
#pragma once
#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace hiky::log {

enum class level { debug, info, warn, error };

struct field {
  template <class T>
  field(std::string_view n, T const& v) : name(n), value(fmt::format("{}", v)), bare(std::is_integral_v<T>) {}
  std::string_view name;
  std::string value;  // of a field named `trace`, empty is left out: most requests belong to none
  bool bare;          // stands in JSON as it is: a number, true or false
};

// Lines go to spdlog's default logger. Set once at start: the default is text, for people; `json` is one object a line.
enum class format { text, json };
void set_format(format how);
void set_level(level at_least);
bool enabled(level at);

void event(level at, std::string_view noun_verb, std::initializer_list<field> fields = {});

// From now on, of one kind (`noun_verb`) 100 lines at once and 5 a second are written, from all threads together; debug
// lines all are. `log.left_out` says how many were not, every five seconds at most: with the next line of any kind, or
// when tell_left_out is called.
void limit_lines();
void tell_left_out();

inline void debug(std::string_view e, std::initializer_list<field> f = {}) {
  if (enabled(level::debug)) event(level::debug, e, f);
}
inline void info(std::string_view e, std::initializer_list<field> f = {}) { event(level::info, e, f); }
inline void warn(std::string_view e, std::initializer_list<field> f = {}) { event(level::warn, e, f); }
inline void error(std::string_view e, std::initializer_list<field> f = {}) { event(level::error, e, f); }

}  // namespace hiky::log
