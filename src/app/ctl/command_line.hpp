// SPDX-License-Identifier: Apache-2.0
// hikyctl's arguments and environment, checked and turned into one command and the place of its Redis, or of an
// instance's API.
#pragma once
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "app/ctl/command.hpp"
#include "redis/address.hpp"

namespace hiky::ctl {

struct api_invocation;  // app/ctl/remote.hpp

enum exit_code : int { ok = 0, runtime = 1, usage = 2, unreachable = 3 };

struct invocation {
  redis::address ws{}, app{};
  std::string advice{};  // what to do when Redis can't be reached
  bool json = false;
  command what;
  std::shared_ptr<api_invocation const> over_api{};  // instead of Redis
};

// Nothing to run: help was asked for (ok, for stdout), or the arguments are wrong (usage, for stderr).
struct early_exit {
  int code = exit_code::ok;
  std::string text;
};

// `arguments` without the program's name.
std::expected<invocation, early_exit> parse_command_line(std::vector<std::string> arguments);

}  // namespace hiky::ctl
