// SPDX-License-Identifier: Apache-2.0
// The only reader of argv, environment and file. The options are data: option.hpp.
#pragma once
#include <string>
#include <variant>

#include "app/options/daemon_config.hpp"

namespace hiky::app {

// The exit code that main is to return at once, and the text to print first.
struct early_exit {
  int code;
  std::string text;
};

std::variant<daemon_config, early_exit> read_daemon_config(int argc, char const* const* argv);

}  // namespace hiky::app
