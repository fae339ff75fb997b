// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "app/options/option_text.hpp"
#include "base/clock.hpp"
#include "base/version.hpp"

namespace hiky::app {
namespace {

// Text as roff shows it: nothing of it is a request, and hyphens can be copied.
std::string roff(std::string_view text) {
  std::string out;
  for (char const c : text) {
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else if (c == '\'') out += "\\(aq";
    else if (c == '.' && (out.empty() || out.back() == '\n')) out += "\\&.";
    else out += c;
  }
  return out;
}

// roff's own source in lines of a readable length; a line that begins with a control character is no request.
std::string filled(std::string_view text) {
  constexpr std::size_t width = 76;
  std::string out, line;
  while (!text.empty()) {
    auto const word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (!line.empty() && line.size() + 1 + word.size() > width) out += line + "\n", line.clear();
    if (!line.empty()) line += ' ';
    line += line.empty() && word.starts_with('.') ? "\\&" + std::string{word} : std::string{word};
  }
  return out + line;
}

// Of the build, and of whoever wants the same page again: SOURCE_DATE_EPOCH.
std::string page_date() {
  char const* const fixed = std::getenv("SOURCE_DATE_EPOCH");
  auto const when = fixed != nullptr ? std::chrono::system_clock::time_point{std::chrono::seconds{std::atoll(fixed)}}
                                     : std::chrono::system_clock::now();
  return iso8601(when).substr(0, 10);
}

// UTF-8 as roff's named characters, since not every roff reads it.
std::string ascii(std::string text) {
  for (auto const& [from, to] :
       {std::pair<std::string_view, std::string_view>{"…", "..."}, {"→", "\\->"}, {"⇔", "<=>"}}) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at))
      text.replace(at, from.size(), to);
  }
  return text;
}

std::string upper(std::string text) {
  for (auto& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// `TEXT:{auto,send}` → `auto|send`; `UINT:INT in [1 - 2]` → `UINT`
std::string value_name(CLI::Option const& o) {
  auto const type = o.get_type_name();
  if (auto const open = type.find('{'); open != std::string::npos) {
    auto list = type.substr(open + 1, type.find('}') - open - 1);
    std::ranges::replace(list, ',', '|');
    return list;
  }
  auto const name = type.substr(0, type.find_first_of(": "));
  return name == "UINT" || name == "INT" || name == "FLOAT" ? "N" : name;
}

bool is_flag(CLI::Option const& o) { return o.get_expected_max() == 0; }

void append_option(std::string& out, CLI::Option const& o) {
  out += ".TP\n";
  std::string names;
  for (auto const& each : o.get_snames()) names += (names.empty() ? "\\fB\\-" : ", \\fB\\-") + roff(each) + "\\fR";
  for (auto const& each : o.get_lnames())
    names += (names.empty() ? "\\fB\\-\\-" : ", \\fB\\-\\-") + roff(each) + "\\fR";
  out += names;
  if (!is_flag(o)) out += fmt::format(" \\fI{}\\fR", roff(value_name(o)));
  std::string more;
  if (auto const text = o.get_default_str();
      !text.empty() && !is_flag(o) && o.get_description().find("default") == std::string::npos) {
    more = fmt::format("default {}", roff(text));
  }
  if (!o.get_envname().empty())
    more += fmt::format("{}environment {}", more.empty() ? "" : ", ", roff(o.get_envname()));
  out += "\n" + filled(roff(o.get_description()) + (more.empty() ? "" : fmt::format(" ({})", more))) + "\n";
}

std::vector<CLI::Option const*> named_options(CLI::App const& app) {
  return app.get_options([](CLI::Option const* o) { return !o->get_positional() && !o->get_group().empty(); });
}

void append_options(std::string& out, CLI::App const& app) {
  std::vector<std::string> groups;
  for (auto const* o : named_options(app)) {
    if (std::ranges::find(groups, o->get_group()) == groups.end()) groups.push_back(o->get_group());
  }
  if (auto const own = std::ranges::find(groups, "Options"); own != groups.end())
    std::rotate(groups.begin(), own, own + 1);
  for (auto const& group : groups) {
    if (group != "Options") out += ".SS " + roff(group) + "\n";
    for (auto const* o : named_options(app)) {
      if (o->get_group() == group) append_option(out, *o);
    }
  }
}

void append_commands(std::string& out, CLI::App const& app, std::string const& path) {
  for (auto const* command : app.get_subcommands([](CLI::App const*) { return true; })) {
    if (command->get_group().empty()) continue;
    auto const name = path.empty() ? command->get_name() : path + " " + command->get_name();
    out += ".TP\n\\fB" + roff(name) + "\\fR";
    for (auto const* o : command->get_options([](CLI::Option const* each) { return each->get_positional(); }))
      out += fmt::format(" \\fI{}\\fR", roff(o->get_name(true)));
    for (auto const* o : named_options(*command)) {
      if (o == command->get_help_ptr()) continue;
      out += fmt::format(" [\\fB\\-\\-{}\\fR{}]", roff(o->get_lnames().front()),
                         is_flag(*o) ? "" : " \\fI" + roff(value_name(*o)) + "\\fR");
    }
    out += "\n" + filled(roff(command->get_description())) + "\n";
    for (auto const* o : named_options(*command)) {
      if (o == command->get_help_ptr()) continue;
      out += ".br\n" +
             filled(fmt::format("\\fB\\-\\-{}\\fR: {}", roff(o->get_lnames().front()), roff(o->get_description()))) +
             "\n";
    }
    append_commands(out, *command, name);
  }
}

}  // namespace

std::string man_page(CLI::App const& app, man_words const& words) {
  auto const& name = app.get_name();
  bool const commands = !app.get_subcommands([](CLI::App const*) { return true; }).empty();
  auto out = fmt::format(
      ".TH {} 1 \"{}\" \"hiky {}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n.B "
      "{}\n[\\fIOPTIONS\\fR]{}\n.SH DESCRIPTION\n{}\n",
      upper(name), page_date(), version, name, roff(words.summary), name, commands ? " \\fICOMMAND\\fR ..." : "",
      words.description);
  out += ".SH OPTIONS\n";
  append_options(out, app);
  if (commands) {
    out += ".SH COMMANDS\n";
    append_commands(out, app, "");
  }
  return ascii(out + std::string{words.more});
}

}  // namespace hiky::app
