// SPDX-License-Identifier: Apache-2.0
// Decides which users may enter a room that they are not in. The rights of members there are not decided here.
#pragma once
#include <memory>
#include <optional>

#include "chat/room_hook.hpp"
#include "directory/directory.hpp"
#include "state/chat/members.hpp"

namespace hiky::chat {

struct room_policy_settings {
  enum class kind {
    open,     // anybody identified
    members,  // those who are members already: in Redis, or by the directory
    token,    // those whose token names the room
    hook,     // those whom the application lets in
  };
  kind by = kind::open;
  room_hook_settings hook{};  // for `hook`
  int cache_database = 2;
};

class room_policy {
 public:
  // `redis`: the server; which database is in the settings.
  room_policy(asio::any_io_executor executor, room_policy_settings const& settings, state::members& members,
              directory::directory& people, redis::address redis, user_rates& rates, counters& count);

  // invalid_argument: no, and the text says so to the user. Other errors: it can't be found out.
  task<result<void>> may_join(user_id user, room_id room);
  // Whether an identity that names no rooms is good for none.
  bool by_token() const { return by_ == room_policy_settings::kind::token; }
  // Of the cache's database; none without a hook.
  redis::counters const* cache_counts() const { return hook_ ? &hook_->cache_counts() : nullptr; }

 private:
  task<result<bool>> is_member(user_id user, room_id room);

  room_policy_settings::kind by_;
  state::members& members_;
  directory::directory& people_;
  std::unique_ptr<room_hook> hook_;
};

}  // namespace hiky::chat
