// SPDX-License-Identifier: Apache-2.0
#include "state/document/typing_users.hpp"

#include "scripts.hpp"
#include "state/ask.hpp"
#include "state/document/keys.hpp"

namespace hiky::state {

namespace {

std::vector<std::string> keys_of(user_id const& user) {
  return {std::string{keys::typing_users}, keys::typing_user(user)};
}

}  // namespace

task<result<void>> typing_users::set(user_id user, room_id room) {
  static redis::script const script{scripts::typing_set_lua};
  return ask<void>(redis_, script, "typing_set.lua", keys_of(user), user, room, lifetime.count());
}

task<result<void>> typing_users::remove(user_id user) {
  static redis::script const script{scripts::typing_remove_lua};
  return ask<void>(redis_, script, "typing_remove.lua", keys_of(user), user);
}

task<result<std::optional<room_id>>> typing_users::get(user_id user) {
  static redis::script const script{scripts::typing_get_lua};
  return ask<std::optional<room_id>>(redis_, script, "typing_get.lua", keys_of(user), user);
}

task<result<std::map<user_id, room_id>>> typing_users::all() {
  static redis::script const script{scripts::typing_all_lua};
  auto const prefix = keys::typing_user(user_id{});
  auto flat = co_await ask<string_pairs>(redis_, script, "typing_all.lua", {std::string{keys::typing_users}}, prefix);
  if (!flat) co_return std::unexpected(std::move(flat.error()));
  std::map<user_id, room_id> out;
  for (auto& [user, room] : *flat) out.emplace(std::move(user), std::move(room));
  co_return out;
}

}  // namespace hiky::state
