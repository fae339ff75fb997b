// SPDX-License-Identifier: Apache-2.0
// hikyctl's arguments and environment, checked and turned into one command and the place of its Redis, or of an
// instance's API.
#pragma once
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/ctl/commands.hpp"
#include "redis/address.hpp"

namespace hiky::ctl {

struct api_invocation;  // ctl_remote.hpp

enum exit_code : int { ok = 0, runtime = 1, usage = 2, unreachable = 3 };

struct command {
  std::function<outcome(session&)> run;
  // What to report when Redis can't be reached; without it that is an error.
  std::function<report(error const&)> without_redis{};
  bool uses_directory = false;
};

struct invocation {
  redis::address ws, app;
  std::string advice;  // what to do when Redis can't be reached
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
