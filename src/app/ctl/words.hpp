// SPDX-License-Identifier: Apache-2.0
// The words and options behind a command's name, as data.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hiky::ctl {

// One command is run, so one place for the words of all of them is enough.
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

// The kind of value that a word takes. Bounds are inclusive.
struct anything {};
struct an_id {};
struct a_text {};
struct positive {};
struct whole_within {
  int least, most;
};
struct real_within {
  double least, most;
};

struct word {
  std::string_view name;  // USER: a word at its place; --user: an option; with a bool, a flag
  std::variant<std::string words::*, std::vector<std::string> words::*, std::optional<std::string> words::*,
               std::int64_t words::*, std::size_t words::*, double words::*, bool words::*>
      into;
  std::string_view help;
  std::variant<anything, an_id, a_text, positive, whole_within, real_within> is{};
  std::string_view shown{};  // what an option's value is called
};

}  // namespace hiky::ctl
