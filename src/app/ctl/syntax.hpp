// SPDX-License-Identifier: Apache-2.0
// The commands as they are typed: their names, words and options. Part of ctl_command_line, which parses with them.
#pragma once
#include <CLI/App.hpp>

#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/ctl/command_line.hpp"

namespace hiky::ctl {

// CLI11 2.1 forgets `--` once a list has its first word, reads `--name=` as a --name whose value is the next word, and
// the id [a,b] as a list of two. All is settled before it sees the words: what follows a `--` or begins with a bracket
// gets a byte in front that no argument can hold, and an empty value becomes a word of its own.
std::vector<std::string> spelled_for_cli11(std::vector<std::string> arguments);
// `word` without that byte.
std::string_view plain(std::string_view word);

// What was typed behind the command's name. One command is run, so one place for all of them is enough.
struct words {
  std::string user, other, room, text, message;
  std::vector<std::string> users;
  std::optional<std::string> from, username, name, image, in_room, for_user;
  std::int64_t ban_s = 0;
  bool count = false, clear = false, yes = false, raw = false, repair = false, strays = false, events = false,
       once = false;
  double wait = 4, interval = 1;
  std::size_t lines = 10, most = 0;
};

// Makes the command of what was typed, or says in a sentence why it can't be.
using command_maker = std::function<std::expected<command, std::string>(words const&)>;

// Adds all commands to `app`; parsing fills `into`, which has to live as long.
std::map<CLI::App const*, command_maker> add_commands(CLI::App& app, words& into);

}  // namespace hiky::ctl
