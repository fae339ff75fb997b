// SPDX-License-Identifier: Apache-2.0
#include "state/chat/store.hpp"

#include "scripts.hpp"

namespace hiky::state {

store::store(redis::client& redis, int database, room_log_limits limits, std::chrono::milliseconds grace,
             std::size_t connections_per_user, std::chrono::milliseconds lease)
    : connections(redis, database, grace, connections_per_user, lease),
      lists(redis),
      presence(redis),
      announcements(redis, database, grace),
      leases(redis),
      members(redis, database),
      room_log(redis, database, limits),
      mailbox(redis),
      typing(redis, database) {
  // A script that Redis does not know yet is run at the second try, behind requests that were sent in between: of
  // messages that one client sent in one go, the first ones came last. So the scripts are there before the first call.
  redis::request load;
  for (auto const& script : scripts::all) load.add("SCRIPT", "LOAD", script.text);
  redis.on_login(std::move(load));
}

}  // namespace hiky::state
