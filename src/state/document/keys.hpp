// SPDX-License-Identifier: Apache-2.0
// The document's keys: `ws:{data_type}:{identifier}`, in database 1. Every key of the eight services stands here, with
// its shape, and nowhere else. Scripts get keys and prefixes as arguments, so that no key is spelled in Lua.
// The chat keeps keys of its own beside these, which the document does not name.
#pragma once
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace hiky::state::keys {

// Section 8: all keys, the chat's too.
inline constexpr std::string_view pattern = "ws:*";

// A family of keys is a prefix with an id behind it.
inline std::string of(std::string_view family, std::string_view id) {
  std::string key;
  key.reserve(family.size() + id.size());
  return key.append(family).append(id);
}
namespace prefix {
inline constexpr std::string_view user_rooms = "ws:user_rooms:";
inline constexpr std::string_view room_participants = "ws:room_participants:";
inline constexpr std::string_view joined_room_participants = "ws:joined_room_participants:";
inline constexpr std::string_view typing_user = "ws:typing_users:";
inline constexpr std::string_view offline_messages = "ws:offline_messages:";
}  // namespace prefix

// Section 1. Hash, user → JSON object.
inline constexpr std::string_view clients = "ws:clients";
// Section 2. Set of users.
inline constexpr std::string_view online_users = "ws:online_users";
// Section 3. Set of rooms.
inline std::string user_rooms(user_id const& u) { return of(prefix::user_rooms, u); }
// Section 4. Set of users.
inline std::string room_participants(room_id const& r) { return of(prefix::room_participants, r); }
// Section 5. Set of users.
inline std::string joined_room_participants(room_id const& r) { return of(prefix::joined_room_participants, r); }
// Section 6. Hash, user → room; and for each user in it a string, the room, that lives for 10 s.
inline constexpr std::string_view typing_users = "ws:typing_users";
inline std::string typing_user(user_id const& u) { return of(prefix::typing_user, u); }
// Section 7. List of JSON objects, newest first, at most 100 long.
inline std::string offline_messages(user_id const& u) { return of(prefix::offline_messages, u); }

}  // namespace hiky::state::keys
