// SPDX-License-Identifier: Apache-2.0
// The one place that spells keys and channels. First the document's, then ours (sidecars), all under `ws:`.
#pragma once
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace hiky::state::keys {

inline constexpr std::string_view pattern = "ws:*";

// Key families by their prefix. Scripts that meet ids only inside Redis get the prefix as an argument, so that no key
// is spelled in Lua.
namespace prefix {
inline constexpr std::string_view user_rooms = "ws:user_rooms:";
inline constexpr std::string_view room_participants = "ws:room_participants:";
inline constexpr std::string_view joined_room_participants = "ws:joined_room_participants:";
inline constexpr std::string_view typing_user = "ws:typing_users:";
inline constexpr std::string_view offline_messages = "ws:offline_messages:";
inline constexpr std::string_view user_connections = "ws:user_connections:";
inline constexpr std::string_view instance_connections = "ws:instance_connections:";
inline constexpr std::string_view room_members = "ws:room_members:";
inline constexpr std::string_view member_rooms = "ws:member_rooms:";
inline constexpr std::string_view room_absent = "ws:room_absent:";
inline constexpr std::string_view room_head = "ws:room_head:";
inline constexpr std::string_view room_log = "ws:room_log:";
inline constexpr std::string_view offline_inflight = "ws:offline_inflight:";
inline constexpr std::string_view offline_dropped = "ws:offline_dropped:";
inline constexpr std::string_view given = "ws:given:";
inline constexpr std::string_view last_seen = "ws:last_seen:";
inline constexpr std::string_view banned = "ws:banned:";
inline constexpr std::string_view kicked = "ws:kicked:";
inline constexpr std::string_view left = "ws:left:";
inline constexpr std::string_view dedup = "ws:dedup:";
inline constexpr std::string_view idempotency = "ws:idempotency:";
}  // namespace prefix

inline std::string of(std::string_view family, std::string_view id) {
  std::string key;
  key.reserve(family.size() + id.size());
  return key.append(family).append(id);
}

// The document's, database 1.
inline constexpr std::string_view clients = "ws:clients";            // hash user → JSON
inline constexpr std::string_view online_users = "ws:online_users";  // set of users
inline constexpr std::string_view typing_users = "ws:typing_users";  // hash user → room
inline std::string user_rooms(user_id const& u) { return of(prefix::user_rooms, u); }                // set of rooms
inline std::string room_participants(room_id const& r) { return of(prefix::room_participants, r); }  // set of users
inline std::string joined_room_participants(room_id const& r) {
  return of(prefix::joined_room_participants, r);
}  // set of users
inline std::string typing_user(user_id const& u) { return of(prefix::typing_user, u); }  // string room, EX 10
inline std::string offline_messages(user_id const& u) {
  return of(prefix::offline_messages, u);
}  // list of JSON, newest first

// Sidecars: what the document needs but does not store.
inline constexpr std::string_view instances = "ws:instances";  // zset instance → lease end, Redis TIME in ms
inline constexpr std::string_view sweeps =
    "ws:sweeps";  // zset ended instance → when its sweeper is given up, Redis TIME in ms
inline constexpr std::string_view pending_offline =
    "ws:pending_offline";  // zset user → when to announce it, Redis TIME in ms
inline constexpr std::string_view typing_marks =
    "ws:typing_marks";  // zset user, newline, room → when the mark ends, Redis TIME in ms
inline constexpr std::string_view clock =
    "ws:clock";  // string, the latest time in ms from which somebody takes part (lib/time_from.lua)
inline std::string user_connections(user_id const& u) {
  return of(prefix::user_connections, u);
}  // hash connection → JSON
inline std::string instance_connections(instance_id const& i) {
  return of(prefix::instance_connections, i);
}  // hash connection → user
inline std::string room_members(room_id const& r) { return of(prefix::room_members, r); }  // set of users, durable
inline std::string member_rooms(user_id const& u) { return of(prefix::member_rooms, u); }  // set of rooms, durable
inline std::string room_absent(room_id const& r) {
  return of(prefix::room_absent, r);
}  // set of users: members without a connection
inline std::string room_head(room_id const& r) {
  return of(prefix::room_head, r);
}  // hash epoch, seq, t of the last message, renew_at
inline std::string room_log(room_id const& r) { return of(prefix::room_log, r); }  // stream, id seq-0
// String: what became of the message that its sender calls so in this room. A digest, since a key is kept for each
// message of a day.
std::string dedup(room_id const& r, user_id const& sender, std::string_view client_msg_id);
// String: the digest of the request that came with an Idempotency-Key. `caller` is the name of an API key, which holds
// no colon.
inline std::string idempotency(std::string_view caller, std::string_view key) {
  return of(prefix::idempotency, caller) + ":" + std::string{key};
}
// List, newest first. The last colon parts the ids: connection ids hold none.
inline std::string offline_inflight(user_id const& u, connection_id const& c) {
  return of(prefix::offline_inflight, u) + ":" + c.str();
}
// String, EX a day: what an ended connection was given and its client has perhaps, as `epoch first last` lines.
inline std::string given(user_id const& u, connection_id const& c) { return of(prefix::given, u) + ":" + c.str(); }
inline std::string offline_dropped(user_id const& u) { return of(prefix::offline_dropped, u); }  // counter
inline std::string last_seen(user_id const& u) { return of(prefix::last_seen, u); }  // string, ISO time
// String, EX a few minutes: Redis TIME in ms at which all connections of the user were to end, for instances that did
// not hear of it.
inline std::string kicked(user_id const& u) { return of(prefix::kicked, u); }
// Hash room → when the user left it, and did not enter it since, EX hours: for instances that did not hear of it.
inline std::string left(user_id const& u) { return of(prefix::left, u); }
inline std::string banned(user_id const& u) {
  return of(prefix::banned, u);
}  // string, the reason; EX: until then the user stays out

// For how long `kicked` and `left` live: an instance that did not hear of them goes on for minutes without comparing
// its sessions, once it reaches Redis, and Redis's clock may step by an hour meanwhile (a replica's, after a failover).
inline constexpr int unheard_life_s = 2 * 60 * 60;

// Every family above, and what its keys are: whatever else lies under ws: is a stray.
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

// Channels. Pub/Sub knows no databases, so the number is part of the name.
inline std::string room_channels(int database) { return "ws:" + std::to_string(database) + ":room:"; }
inline std::string instance_channels(int database) { return "ws:" + std::to_string(database) + ":instance:"; }

}  // namespace hiky::state::keys
