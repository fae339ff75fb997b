// SPDX-License-Identifier: Apache-2.0
#include "outcome.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

namespace hiky::load {
namespace {
std::string flat(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
  return text;
}
}  // namespace

std::optional<double> outcome::get(std::string_view name) const {
  auto const found =
      std::find_if(figures.begin(), figures.end(), [&](auto const& figure) { return figure.first == name; });
  return found == figures.end() ? std::nullopt : std::optional(found->second);
}

std::string to_line(outcome const& what) {
  std::string line =
      fmt::format("server={}\tscenario={}\tsends={}\tload={}\tnote={}\tfailure={}", flat(what.server),
                  flat(what.scenario), flat(what.sends), flat(what.load), flat(what.note), flat(what.failure));
  for (auto const& [name, value] : what.figures) line += fmt::format("\t#{}={}", name, value);
  return line;
}

std::optional<outcome> from_line(std::string_view line) {
  outcome what;
  while (!line.empty()) {
    std::string_view const field = line.substr(0, line.find('\t'));
    line.remove_prefix(std::min(field.size() + 1, line.size()));
    std::size_t const equals = field.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    std::string_view const key = field.substr(0, equals);
    std::string const value(field.substr(equals + 1));
    if (key.starts_with('#')) what.set(std::string(key.substr(1)), std::strtod(value.c_str(), nullptr));
    else if (key == "server") what.server = value;
    else if (key == "scenario") what.scenario = value;
    else if (key == "sends") what.sends = value;
    else if (key == "load") what.load = value;
    else if (key == "note") what.note = value;
    else if (key == "failure") what.failure = value;
    else return std::nullopt;
  }
  return what;
}

}  // namespace hiky::load
