// SPDX-License-Identifier: Apache-2.0
// Asks the daemon that runs with a configuration how it is, from its own machine or container: for health checks, which
// have no other tool there.
#pragma once
#include <string>

#include "app/options/daemon_config.hpp"
#include "base/error.hpp"

namespace hiky::app {

// The body of GET /health when its status is 200. Otherwise the error says what it was instead; a daemon that hangs has
// five seconds.
result<std::string> ask_daemon(daemon_config const& config);

}  // namespace hiky::app
