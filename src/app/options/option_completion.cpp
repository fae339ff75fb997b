// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <vector>

#include "app/options/option_text.hpp"

namespace hiky::app {
namespace {

struct option {
  std::vector<std::string> names;  // with their hyphens
  std::string help;
  std::vector<std::string> values;  // that it knows
  bool takes_value = false;
};

struct command {
  std::string path;  // from the program's name on
  std::string name, help;
  std::vector<option> options;
  std::vector<std::string> children;  // paths
};

option described(CLI::Option const& o) {
  option out;
  for (auto const& each : o.get_snames()) out.names.push_back("-" + each);
  for (auto const& each : o.get_lnames()) out.names.push_back("--" + each);
  out.help = o.get_description();
  out.takes_value = o.get_expected_max() != 0;
  auto const type = o.get_type_name();
  if (auto const open = type.find('{'); open != std::string::npos) {
    auto const list = type.substr(open + 1, type.find('}') - open - 1);
    for (std::size_t begin = 0; begin <= list.size();) {
      auto const end = std::min(list.find(',', begin), list.size());
      out.values.push_back(list.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return out;
}

void collect(CLI::App const& app, std::string const& above, std::vector<command>& into) {
  auto const at = into.size();
  into.push_back(
      {above.empty() ? app.get_name() : above + " " + app.get_name(), app.get_name(), app.get_description(), {}, {}});
  for (auto const* o :
       app.get_options([](CLI::Option const* each) { return !each->get_positional() && !each->get_group().empty(); })) {
    into[at].options.push_back(described(*o));
  }
  auto const path = into[at].path;
  for (auto const* child : app.get_subcommands([](CLI::App const* each) { return !each->get_group().empty(); })) {
    into[at].children.push_back(path + " " + child->get_name());
    collect(*child, path, into);
  }
}

std::string joined(std::vector<std::string> const& words, std::string_view between) {
  std::string out;
  for (auto const& each : words) out.append(out.empty() ? "" : between).append(each);
  return out;
}

std::string last_word(std::string const& path) { return path.substr(path.rfind(' ') + 1); }

// Within single quotes of a POSIX shell.
std::string shell_text(std::string text) {
  for (std::size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 4) text.replace(at, 1, "'\\''");
  return text;
}

// Options of the program itself are known to all of its commands.
std::vector<option> options_at(std::vector<command> const& all, command const& c) {
  auto out = c.options;
  if (&c == &all.front()) return out;
  for (auto const& each : all.front().options) {
    if (std::ranges::none_of(out, [&](option const& o) { return o.names == each.names; })) out.push_back(each);
  }
  return out;
}

// The walk that all three shells share: which command do the words so far name?
std::string paths_pattern(std::vector<command> const& all, std::string_view between) {
  std::vector<std::string> out;
  for (auto const& c : all) {
    if (&c != &all.front()) out.push_back("'" + c.path + "'");
  }
  return joined(out, between);
}

std::string bash(std::vector<command> const& all, std::string const& program) {
  auto out = fmt::format(
      "# bash completion for {0}, made by {0} from its own options\n_{0}() {{\n  local word path={0} i\n  "
      "COMPREPLY=()\n",
      program);
  auto const paths = paths_pattern(all, "|");
  if (!paths.empty()) {
    out += fmt::format(
        "  for ((i = 1; i < COMP_CWORD; i++)); do\n    case \"$path ${{COMP_WORDS[i]}}\" in\n      {}) path+=\" "
        "${{COMP_WORDS[i]}}\" ;;\n    esac\n  "
        "done\n",
        paths);
  }
  out += "  word=${COMP_WORDS[COMP_CWORD]}\n  local before=${COMP_WORDS[COMP_CWORD - 1]}\n  case $before in\n";
  std::vector<std::string> seen;
  for (auto const& c : all) {
    for (auto const& o : c.options) {
      if (!o.takes_value || std::ranges::find(seen, o.names.back()) != seen.end()) continue;
      seen.push_back(o.names.back());
      out += fmt::format(
          "    {}) {}return ;;\n", joined(o.names, "|"),
          o.values.empty() ? "" : fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$word\")); ", joined(o.values, " ")));
    }
  }
  out += "  esac\n  case $path in\n";
  for (auto const& c : all) {
    std::vector<std::string> words, dashed;
    for (auto const& child : c.children) words.push_back(last_word(child));
    for (auto const& o : options_at(all, c)) dashed.insert(dashed.end(), o.names.begin(), o.names.end());
    out += fmt::format("    '{}')\n      if [[ $word == -* ]]; then COMPREPLY=($(compgen -W '{}' -- \"$word\"))\n",
                       c.path, joined(dashed, " "));
    out += fmt::format("      else COMPREPLY=($(compgen -W '{}' -- \"$word\")); fi ;;\n", joined(words, " "));
  }
  return out + fmt::format("  esac\n}}\ncomplete -o default -F _{0} {0}\n", program);
}

std::string zsh(std::vector<command> const& all, std::string const& program) {
  auto out = fmt::format(
      "#compdef {0}\n# zsh completion for {0}, made by {0} from its own options\n_{0}() {{\n  local at={0} i\n  local "
      "-a known values\n",
      program);
  auto const paths = paths_pattern(all, "|");
  if (!paths.empty()) {
    out += fmt::format(
        "  for ((i = 2; i < CURRENT; i++)); do\n    case \"$at $words[i]\" in\n      ({}) at+=\" $words[i]\" ;;\n    "
        "esac\n  done\n",
        paths);
  }
  out += "  case $words[CURRENT-1] in\n";
  std::vector<std::string> seen;
  for (auto const& c : all) {
    for (auto const& o : c.options) {
      if (!o.takes_value || std::ranges::find(seen, o.names.back()) != seen.end()) continue;
      seen.push_back(o.names.back());
      out += fmt::format(
          "    ({}) {}; return ;;\n", joined(o.names, "|"),
          o.values.empty() ? "_files" : fmt::format("values=({}); compadd -a values", joined(o.values, " ")));
    }
  }
  out += "  esac\n  case $at in\n";
  auto const entry = [](std::string name, std::string help) {
    for (std::size_t at = 0; (at = help.find(':', at)) != std::string::npos; at += 2) help.replace(at, 1, "\\:");
    return fmt::format("      '{}:{}'\n", name, shell_text(std::move(help)));
  };
  for (auto const& c : all) {
    out += fmt::format("    ('{}') known=(\n", c.path);
    for (auto const& child : c.children) {
      auto const found = std::ranges::find(all, child, &command::path);
      out += entry(found->name, found->help);
    }
    for (auto const& o : options_at(all, c)) {
      for (auto const& name : o.names) out += entry(name, o.help);
    }
    out += "    ) ;;\n";
  }
  return out + fmt::format("  esac\n  _describe '{0}' known || _files\n}}\n_{0} \"$@\"\n", program);
}

std::string fish(std::vector<command> const& all, std::string const& program) {
  auto out = fmt::format(
      "# fish completion for {0}, made by {0} from its own options\nfunction __{0}_at\n  set -l at {0}\n  set -l said "
      "(commandline -opc)\n",
      program);
  auto const paths = paths_pattern(all, " ");
  if (!paths.empty())
    out += fmt::format(
        "  for word in $said[2..-1]\n    switch \"$at $word\"\n      case {}\n        set at \"$at $word\"\n    end\n  "
        "end\n",
        paths);
  out += "  test \"$at\" = \"$argv[1]\"\nend\n";
  auto const quoted = [](std::string text) {
    std::string safe;
    for (char const c : text) {
      if (c == '\'' || c == '\\') safe += '\\';
      safe += c;
    }
    return "'" + safe + "'";
  };
  for (auto const& c : all) {
    for (auto const& child : c.children) {
      auto const found = std::ranges::find(all, child, &command::path);
      out += fmt::format("complete -c {} -n \"__{}_at '{}'\" -f -a {} -d {}\n", program, program, c.path, found->name,
                         quoted(found->help));
    }
    bool const everywhere = &c == &all.front();
    for (auto const& o : c.options) {
      out += fmt::format("complete -c {}{}", program,
                         everywhere ? "" : fmt::format(" -n \"__{}_at '{}'\"", program, c.path));
      for (auto const& name : o.names)
        out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (o.takes_value) out += " -r";
      if (!o.values.empty()) out += " -f -a " + quoted(joined(o.values, " "));
      out += " -d " + quoted(o.help) + "\n";
    }
  }
  return out;
}

}  // namespace

std::string completion(CLI::App const& app, std::string_view shell) {
  std::vector<command> all;
  collect(app, "", all);
  if (shell == "bash") return bash(all, app.get_name());
  if (shell == "zsh") return zsh(all, app.get_name());
  if (shell == "fish") return fish(all, app.get_name());
  return {};
}

}  // namespace hiky::app
