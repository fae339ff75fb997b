// SPDX-License-Identifier: Apache-2.0
// The commands as they are typed: their names, words and options. Part of ctl_command_line, which parses with them.
#pragma once
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/ctl_command_line.hpp"

namespace CLI {
class App;
}

namespace hiky::ctl {

// What was typed behind the command's name. One command is run, so one place for all of them is enough.
struct words {
  std::string user, other, room, text;
  std::vector<std::string> users;
  std::optional<std::string> from, username, name, image;
  bool count = false, clear = false, yes = false, raw = false;
};

// Makes the command of what was typed, or says in a sentence why it can't be.
using command_maker = std::function<std::expected<command, std::string>(words const&)>;

// Adds all commands to `app`; parsing fills `into`, which has to live as long.
std::map<CLI::App const*, command_maker> add_commands(CLI::App& app, words& into);

}  // namespace hiky::ctl
