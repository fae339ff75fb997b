// SPDX-License-Identifier: Apache-2.0
// The limits that the machine, or the container, sets to this process: open files and memory.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/error.hpp"

namespace hiky::app {

// Open files that are not connections of clients: Redis, listeners, loops, the log, files of the moment. `addresses`:
// how many are listened to, each by every worker.
std::size_t descriptors_besides(std::size_t workers, std::size_t addresses);

// Raises the limit of open files as far as it goes, and gives how many connections it leaves room for: `wanted`, or as
// many as there can be (0). invalid_argument when it is too low for `wanted`, with what would help. `each`: descriptors
// per connection.
result<std::size_t> room_for_connections(std::size_t wanted, std::size_t besides, std::size_t each);

// Bytes: the machine's, or what the control group allows, if that is less.
std::uint64_t machine_memory();

}  // namespace hiky::app
