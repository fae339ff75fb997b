// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <vector>

#include "app/options/option_text.hpp"

namespace hiky::app {
namespace {

// TOML's basic string.
std::string toml_text(std::string_view text) {
  std::string out{"\""};
  for (char const c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

bool is_number(std::string const& text) {
  char* end = nullptr;
  std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0';
}

std::string value_of(std::string const& text) {
  return is_number(text) || text == "true" || text == "false" ? text : toml_text(text);
}

// `redis://user:secret@host` → `redis://user@host`
std::string without_password(std::string text) {
  auto const begin = text.find("://");
  auto const at = text.find('@');
  if (begin == std::string::npos || at == std::string::npos) return text;
  auto const colon = text.find(':', begin + 3);
  if (colon < at) text.erase(colon, at - colon);
  return text;
}

bool is_flag(CLI::Option const& o) { return o.get_expected_max() == 0; }

std::vector<std::string> values_said(CLI::Option const& o) {
  auto out = o.results();
  for (auto& each : out) each = without_password(each);
  return out;
}

std::string assignment(CLI::Option const& o, std::string const& name) {
  if (is_flag(o))
    return fmt::format("{} = {}", name, o.count() > 0 && o.results().back() != "false" ? "true" : "false");
  bool const many = o.get_items_expected_max() > 1;
  std::vector<std::string> values;
  if (o.count() > 0) values = values_said(o);
  else if (auto const text = o.get_default_str(); !text.empty())
    values.push_back(many && text.starts_with('[') ? text.substr(1, text.size() - 2) : text);
  if (!many) return fmt::format("{} = {}", name, values.empty() ? "\"\"" : value_of(values.back()));
  std::string list;
  for (auto const& each : values) list.append(list.empty() ? "" : ", ").append(value_of(each));
  return fmt::format("{} = [{}]", name, list);
}

std::string comment(std::string_view text) {
  constexpr std::size_t width = 118;
  std::string out, line{"#"};
  while (!text.empty()) {
    auto const word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (line.size() + 1 + word.size() > width) out += line + "\n", line = "#";
    line.append(" ").append(word);
  }
  return out + line + "\n";
}

}  // namespace

std::string toml_of(CLI::App const& app) {
  auto const options =
      app.get_options([](CLI::Option const* o) { return o->get_configurable() && !o->get_lnames().empty(); });
  std::vector<std::string> groups;
  for (auto const* o : options) {
    if (o != app.get_config_ptr() && !o->get_group().empty() &&
        std::ranges::find(groups, o->get_group()) == groups.end())
      groups.push_back(o->get_group());
  }
  std::string out;
  for (auto const& group : groups) {
    std::string section;
    for (auto const* o : options) {
      if (o->get_group() != group || o == app.get_config_ptr() || o == app.get_help_ptr()) continue;
      section += "\n" + comment(o->get_description());
      section += (o->count() > 0 ? "" : "#") + assignment(*o, o->get_lnames().front()) + "\n";
    }
    if (!section.empty()) out += fmt::format("{}## {}\n{}", out.empty() ? "" : "\n", group, section);
  }
  return out;
}

}  // namespace hiky::app
