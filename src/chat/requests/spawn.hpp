// SPDX-License-Identifier: Apache-2.0
// Starts a coroutine that nobody awaits. An exception in it is a bug of ours: it is logged, and ends nothing else.
#pragma once
#include "base/async.hpp"

namespace hiky::chat {

void spawn(asio::any_io_executor const& executor, task<> work);

}  // namespace hiky::chat
