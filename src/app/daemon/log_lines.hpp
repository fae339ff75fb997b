// SPDX-License-Identifier: Apache-2.0
// How the daemon's log looks: each event a line on stderr, since stdout is for the ready line.
#pragma once
#include "base/log.hpp"

namespace hiky::app {

// From now on; events below `from` are left out. Where systemd's journal reads, it gets the priority and no time.
void write_log_lines(log::format how, log::level from);

}  // namespace hiky::app
