// SPDX-License-Identifier: Apache-2.0
// The chat's own keys and channels, beside the document's (state/document/keys.hpp): the document's promises
// need them, and the document does not name them. All under `ws:`, and spelled nowhere else.
#pragma once
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "state/document/keys.hpp"

namespace hiky::state::keys {

namespace prefix {
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

// Instances and their connections. Times are Redis TIME in ms.
// Sorted set, instance → the end of its lease.
inline constexpr std::string_view instances = "ws:instances";
// Sorted set, ended instance → when another instance may take over from the one that sweeps it.
inline constexpr std::string_view sweeps = "ws:sweeps";
// Hash, connection → JSON.
inline std::string user_connections(user_id const& u) { return of(prefix::user_connections, u); }
// Hash, connection → user.
inline std::string instance_connections(instance_id const& i) { return of(prefix::instance_connections, i); }

// Presence.
// Sorted set, user → when rooms and friends are told that the user has gone.
inline constexpr std::string_view pending_offline = "ws:pending_offline";
// String, ISO 8601: when the user's last connection ended.
inline std::string last_seen(user_id const& u) { return of(prefix::last_seen, u); }
// String, the reason; the user stays out for as long as it lives.
inline std::string banned(user_id const& u) { return of(prefix::banned, u); }
// String, lives for unheard_life_s: when all connections of the user were to end, for instances that did not hear of
// it.
inline std::string kicked(user_id const& u) { return of(prefix::kicked, u); }
// Sorted set, `user\nroom` → when the mark ends.
inline constexpr std::string_view typing_marks = "ws:typing_marks";

// Membership.
// Set of users, durable.
inline std::string room_members(room_id const& r) { return of(prefix::room_members, r); }
// Set of rooms, durable.
inline std::string member_rooms(user_id const& u) { return of(prefix::member_rooms, u); }
// Set of users: members without a connection.
inline std::string room_absent(room_id const& r) { return of(prefix::room_absent, r); }
// Hash, room → when the user left it and did not enter it since. Lives for unheard_life_s, for instances that did not
// hear of it.
inline std::string left(user_id const& u) { return of(prefix::left, u); }
// String: the latest time from which a connection takes part in its rooms (lib/time_from.lua).
inline constexpr std::string_view clock = "ws:clock";

// For how long `kicked` and `left` live: an instance that did not hear of them goes on for minutes without comparing
// its sessions, once it reaches Redis, and Redis's clock may step by an hour meanwhile (a replica's, after a failover).
inline constexpr int unheard_life_s = 2 * 60 * 60;

// Messages.
// Hash: epoch, seq, t of the last message, renew_at.
inline std::string room_head(room_id const& r) { return of(prefix::room_head, r); }
// Stream; the id of an entry is `seq-0`.
inline std::string room_log(room_id const& r) { return of(prefix::room_log, r); }
// String: messageId, time and digest of the message that the sender called by this clientMsgId in this room. The key is
// a digest, since one is kept for each message of a day.
std::string dedup(room_id const& r, user_id const& sender, std::string_view client_msg_id);
// String: digest of the request that came with an Idempotency-Key. `caller` is the name of an API key, which holds no
// colon.
inline std::string idempotency(std::string_view caller, std::string_view key) {
  return of(prefix::idempotency, caller) + ":" + std::string{key};
}

// Mail.
// List, newest first: claimed by the connection, and not confirmed. The last colon parts the ids: connection ids hold
// none.
inline std::string offline_inflight(user_id const& u, connection_id const& c) {
  return of(prefix::offline_inflight, u) + ":" + c.str();
}
// String, a number: messages that had to make room, and of which the user was not told yet.
inline std::string offline_dropped(user_id const& u) { return of(prefix::offline_dropped, u); }
// String, lives for a day: messages that an ended connection was given and its client may have, as lines of
// `epoch first last`.
inline std::string given(user_id const& u, connection_id const& c) { return of(prefix::given, u) + ":" + c.str(); }

// Channels. Pub/Sub knows no databases, so the number is part of the name.
inline std::string room_channels(int database) { return "ws:" + std::to_string(database) + ":room:"; }
inline std::string instance_channels(int database) { return "ws:" + std::to_string(database) + ":instance:"; }

}  // namespace hiky::state::keys
