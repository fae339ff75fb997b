// SPDX-License-Identifier: Apache-2.0
// Every family of keys under `ws:`, and its type. A key of no family is a stray (another version's, or nobody's).
#pragma once
#include <string_view>

#include "state/chat/keys.hpp"

namespace hiky::state::keys {

struct family {
  std::string_view name;  // ends with a colon when an id follows
  std::string_view type;  // as TYPE says it
};
inline constexpr family families[]{
    {clients, "hash"},
    {online_users, "set"},
    {typing_users, "hash"},
    {instances, "zset"},
    {sweeps, "zset"},
    {pending_offline, "zset"},
    {typing_marks, "zset"},
    {clock, "string"},
    {prefix::user_rooms, "set"},
    {prefix::idempotency, "string"},
    {prefix::room_participants, "set"},
    {prefix::joined_room_participants, "set"},
    {prefix::typing_user, "string"},
    {prefix::offline_messages, "list"},
    {prefix::user_connections, "hash"},
    {prefix::instance_connections, "hash"},
    {prefix::room_members, "set"},
    {prefix::member_rooms, "set"},
    {prefix::room_absent, "set"},
    {prefix::room_head, "hash"},
    {prefix::room_log, "stream"},
    {prefix::offline_inflight, "list"},
    {prefix::offline_dropped, "string"},
    {prefix::given, "string"},
    {prefix::last_seen, "string"},
    {prefix::banned, "string"},
    {prefix::kicked, "string"},
    {prefix::left, "hash"},
    {prefix::dedup, "string"},
};

// The family of `key`, or nullptr.
constexpr family const* family_of(std::string_view key) {
  for (auto const& each : families) {
    if (each.name.ends_with(':') ? key.starts_with(each.name) : key == each.name) return &each;
  }
  return nullptr;
}

}  // namespace hiky::state::keys
