// SPDX-License-Identifier: Apache-2.0
#include "chat/requests/spawn.hpp"

#include <boost/asio/co_spawn.hpp>

#include <exception>

#include "base/log.hpp"

namespace hiky::chat {

void spawn(asio::any_io_executor const& executor, task<> work) {
  asio::co_spawn(executor, std::move(work), [](std::exception_ptr bug) {
    if (!bug) return;
    try {
      std::rethrow_exception(bug);
    } catch (std::exception const& e) {
      log::error("flow.failed", {{"reason", e.what()}});
    }
  });
}

}  // namespace hiky::chat
