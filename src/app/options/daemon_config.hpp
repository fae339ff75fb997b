// SPDX-License-Identifier: Apache-2.0
// The configuration of hikyd: everything that options say, checked and ready to use.
#pragma once
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "gateway/net/listener.hpp"
#include "gateway/worker.hpp"

namespace hiky::app {

struct daemon_config {
  std::vector<gateway::listen_address> listen;
  bool embedded = true;
  std::filesystem::path data;
  gateway::gateway_settings gateway;  // `redis` is set when not embedded
  log::level log_level = log::level::info;
  log::format log_format = log::format::text;
  std::chrono::milliseconds redis_wait{10'000};
  std::chrono::milliseconds drain{20'000};
  bool only_check = false;  // start nothing
  std::string only_ask;     // the one that runs, at this path: how it is
};

}  // namespace hiky::app
