// SPDX-License-Identifier: Apache-2.0
// An option of hikyd as data: one entry of one table. Flags, environment, TOML, --help, man page and completion are
// made from the table. A new option is one entry here and one member of the configuration. Then, by hand, come one
// entry of deploy/hikyd.toml (hikyd --print-config) and one of the list in docs/operations.md: system.config tells when
// either is missing.
#pragma once
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hiky::app {

struct draft;  // app/options/draft.hpp

// Puts a value where it belongs: into the configuration, or beside it as it was said.
template <class T>
using setter = void (*)(draft&, T);

// The kind of value that an option takes, with its bounds. Bounds are inclusive.
struct flag {
  void (*set)(draft&);
};
struct truth {  // `true` or `false` behind the name
  setter<bool> set;
};
struct text {
  setter<std::string> set;
  std::string_view shown{};  // what --help calls it; empty: TEXT
};
struct texts {  // repeatable; a list in TOML
  setter<std::vector<std::string>> set;
  std::string_view choices{};  // between commas; empty: anything
};
struct choice {
  setter<std::string> set;
  std::string_view choices;  // between commas
};
struct whole {
  setter<std::size_t> set;
  int least, most;
};
struct database {  // a number of Redis's
  setter<int> set;
};
struct duration {
  setter<std::chrono::milliseconds> set;
  double least, most;
  std::chrono::milliseconds unit = std::chrono::seconds{1};
};
struct rate {  // PER_SECOND[:BURST]; without a burst it is three times the rate
  void (*set)(draft&, float per_second, float burst);
};

struct option {
  std::string_view name;  // --NAME, the key in TOML, and in capitals behind HIKY_ the environment variable
  std::string_view group;
  std::variant<flag, truth, text, texts, choice, whole, database, duration, rate> takes;
  std::string_view initial{};  // the default as it would be said; empty: none, and no setter is called
  std::string (*found_here)() = nullptr;  // a default that this machine knows, instead of `initial`
  std::string_view needs{};  // the name of another option that has to be said, too
  bool configurable = true;  // false: a flag alone, as what only asks something
  bool secret = false;  // names a file of secrets, or a URL that may hold a password
  bool reread = false;  // SIGHUP reads the file that it names again
  std::string_view help;
};

// All options, in the order in which they are shown.
std::vector<option> daemon_options();

// HIKY_RATE_MESSAGES for `rate-messages`.
std::string environment_name(std::string_view option);

}  // namespace hiky::app
