// SPDX-License-Identifier: Apache-2.0
// A command of hikyctl: what to run, and as data how it is typed. --help, man page and completion are made from the
// table of these; so a new command is one entry in it and one coroutine.
#pragma once
#include <array>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "app/ctl/commands.hpp"
#include "app/ctl/words.hpp"

namespace hiky::ctl {

class instance_api;  // app/ctl/remote.hpp

struct command {
  std::function<outcome(session&)> run;
  // The report when Redis can't be reached; without it that is an error.
  std::function<report(error const&)> without_redis{};
  bool uses_directory = false;
};

struct command_entry {
  std::string_view path;  // "user friend add": what stands before the last word is a command above it in the table
  std::string_view help;
  std::array<word const*, 4> takes{};  // in their order; the rest is nullptr
  // Makes the command of what was typed, or says in a sentence why it can't be. nullptr: only a group of others.
  std::expected<command, std::string> (*make)(words const&) = nullptr;
  // The same over an instance's API. nullptr: the API does not offer it.
  outcome (*over_api)(instance_api&, words) = nullptr;
  std::string_view footer{};
};

// The table, in the order in which commands are shown, in two parts.
std::span<command_entry const> watching_commands();  // the whole, and what happens in it
std::span<command_entry const> people_commands();    // users, friends, rooms

}  // namespace hiky::ctl
