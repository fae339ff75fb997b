// SPDX-License-Identifier: Apache-2.0
// Texts that are made of a program's options alone, so that each is described once: a TOML file, a man page,
// completion for shells. Knows CLI11, and no option by name.
#pragma once
#include <CLI/App.hpp>

#include <string>
#include <string_view>

namespace hiky::app {

// All options as an annotated TOML file. What was said (flag, environment, file) stands there; defaults are commented
// out. Passwords within URLs are left out.
std::string toml_of(CLI::App const& app);

struct man_words {
  std::string_view summary;      // for NAME, without a full stop
  std::string_view description;  // roff text
  std::string_view more;         // roff sections behind the options
};
// A page of section 1 in roff's man macros, with all commands and options.
std::string man_page(CLI::App const& app, man_words const& words);

// A completion script for `shell`: bash, zsh or fish; empty for others. It completes commands, options, and the values
// of those that know theirs.
std::string completion(CLI::App const& app, std::string_view shell);

}  // namespace hiky::app
