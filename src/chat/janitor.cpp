// SPDX-License-Identifier: Apache-2.0
#include "chat/janitor.hpp"

namespace hiky::chat {

task<result<std::size_t>> sweep_others(state::store& store, instance_id own) {
  auto const instances = co_await store.connections.instances();
  if (!instances) co_return std::unexpected(instances.error());
  std::size_t ended = 0;
  for (auto const& instance : *instances) {
    if (instance == own) continue;
    auto const left_behind = co_await store.connections.of_instance(instance);
    if (!left_behind) co_return std::unexpected(left_behind.error());
    for (auto const& [connection, user] : *left_behind) {
      auto const gone = co_await store.connections.remove(connection, instance, user);
      if (!gone) co_return std::unexpected(gone.error());
      // Mail that was on its way when the instance ended goes back to the queue.
      auto const mail = co_await store.mailbox.give_back(user, connection, 0);
      if (!mail) co_return std::unexpected(mail.error());
      ++ended;
    }
  }
  co_return ended;
}

}  // namespace hiky::chat
