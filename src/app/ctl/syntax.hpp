// SPDX-License-Identifier: Apache-2.0
// How commands are typed, as CLI11 knows it: made from the table of command.hpp.
#pragma once
#include <CLI/App.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/ctl/command.hpp"

namespace hiky::ctl {

// CLI11 2.1 forgets `--` once a list has its first word, reads `--name=` as a --name whose value is the next word, and
// the id [a,b] as a list of two. All is settled before it sees the words: what follows a `--` or begins with a bracket
// gets a byte in front that no argument can hold, and an empty value becomes a word of its own.
std::vector<std::string> spelled_for_cli11(std::vector<std::string> arguments);
// `word` without that byte.
std::string_view plain(std::string_view word);

// Adds all commands to `app`; parsing fills `into`, which has to live as long.
std::map<CLI::App const*, command_entry const*> add_commands(CLI::App& app, words& into);

}  // namespace hiky::ctl
