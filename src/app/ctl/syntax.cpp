// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/syntax.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <type_traits>

#include "directory/foreign_text.hpp"

namespace hiky::ctl {
namespace {

CLI::Validator const is_id{[](std::string& text) -> std::string {
                             auto const fault = directory::is_utf8(text) ? id_fault(text) : "must be valid UTF-8";
                             if (!fault) return {};
                             return fmt::format("'{}' can't be an id: it {}", shortened(visible(text), 40), *fault);
                           },
                           ""};

CLI::Validator const is_text{
    [](std::string& text) -> std::string { return directory::is_utf8(text) ? "" : "the text must be valid UTF-8"; },
    ""};

constexpr char mark = '\0';

CLI::Validator const is_word{[](std::string& text) {
                               text = plain(text);
                               return std::string{};
                             },
                             ""};

// Makes `option` refuse what the word may not be.
struct checking {
  CLI::Option& option;
  void operator()(anything) const {}
  void operator()(an_id) const { option.transform(is_word)->check(is_id); }
  void operator()(a_text) const { option.transform(is_word)->check(is_text); }
  void operator()(positive) const { option.check(CLI::PositiveNumber); }
  void operator()(whole_within bounds) const { option.check(CLI::Range(bounds.least, bounds.most)); }
  void operator()(real_within bounds) const { option.check(CLI::Range(bounds.least, bounds.most)); }
};

void add_word(CLI::App& to, word const& what, words& into) {
  std::string const name{what.name}, help{what.help};
  auto* const option = std::visit(
      [&](auto member) -> CLI::Option* {
        auto& place = into.*member;
        if constexpr (std::is_same_v<decltype(place), bool&>) return to.add_flag(name, place, help);
        else return to.add_option(name, place, help)->type_name(std::string{what.shown});
      },
      what.into);
  std::visit(checking{*option}, what.is);
}

// The command that `path` names so far; the app itself for no word.
CLI::App& command_at(CLI::App& app, std::string_view path) {
  auto* at = &app;
  while (!path.empty()) {
    auto const name = path.substr(0, path.find(' '));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    at = at->get_subcommand(std::string{name});
  }
  return *at;
}

}  // namespace

std::vector<std::string> spelled_for_cli11(std::vector<std::string> arguments) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    auto& word = arguments[i];
    if (word == "--") {
      while (++i < arguments.size()) out.push_back(mark + arguments[i]);
    } else if (word.starts_with("--") && word.find('=') == word.size() - 1) {
      word.pop_back();
      out.push_back(std::move(word));
      out.emplace_back();
    } else if (word.starts_with('[')) {
      out.push_back(mark + word);
    } else {
      out.push_back(std::move(word));
    }
  }
  return out;
}

std::string_view plain(std::string_view word) {
  if (word.starts_with(mark)) word.remove_prefix(1);
  return word;
}

std::map<CLI::App const*, command_entry const*> add_commands(CLI::App& app, words& into) {
  std::map<CLI::App const*, command_entry const*> out;
  for (auto const part : {watching_commands(), people_commands()}) {
    for (auto const& entry : part) {
      auto const last = entry.path.rfind(' ');
      auto const above = last == std::string_view::npos ? "" : entry.path.substr(0, last);
      auto& parent = command_at(app, above);
      // A command that runs by itself as well as with a command below it.
      if (!above.empty() && out.contains(&parent)) parent.require_subcommand(0, 1);
      auto* const added = parent.add_subcommand(std::string{entry.path.substr(last + 1)}, std::string{entry.help});
      for (auto const* each : entry.takes) {
        if (each != nullptr) add_word(*added, *each, into);
      }
      if (!entry.footer.empty()) added->footer(std::string{entry.footer});
      if (entry.make != nullptr) out[added] = &entry;
    }
  }
  return out;
}

}  // namespace hiky::ctl
