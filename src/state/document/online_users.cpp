// SPDX-License-Identifier: Apache-2.0
#include "state/document/online_users.hpp"

#include "state/ask.hpp"
#include "state/document/keys.hpp"

namespace hiky::state {

task<result<void>> online_users::add(user_id user) { return ask<void>(redis_, "SADD", keys::online_users, user); }
task<result<void>> online_users::remove(user_id user) { return ask<void>(redis_, "SREM", keys::online_users, user); }
task<result<bool>> online_users::contains(user_id user) {
  return ask<bool>(redis_, "SISMEMBER", keys::online_users, user);
}
task<result<std::vector<user_id>>> online_users::all() {
  return ask<std::vector<user_id>>(redis_, "SMEMBERS", keys::online_users);
}
task<result<std::size_t>> online_users::count() { return ask<std::size_t>(redis_, "SCARD", keys::online_users); }

}  // namespace hiky::state
