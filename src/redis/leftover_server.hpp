// SPDX-License-Identifier: Apache-2.0
// The redis-server of a daemon that was killed, where it has not ended with the daemon: a script keeps it busy.
#pragma once
#include <filesystem>

namespace hiky::redis {

// Sends `signal` to each redis-server that has the file `lock` open, and to no other process. Returns how many took it.
int signal_leftovers(std::filesystem::path const& lock, int signal);

}  // namespace hiky::redis
