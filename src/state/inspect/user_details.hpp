// SPDX-License-Identifier: Apache-2.0
// One user as Redis knows it, for the HTTP API and hikyctl. Texts are as Redis holds them, valid or not.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"
#include "state/ask.hpp"

namespace hiky::state {

struct user_details {
  bool online = false;                    // stands in ws:online_users
  string_pairs connections;               // connection → its JSON, by connection
  std::vector<std::string> rooms;         // takes part in, by name
  std::vector<std::string> member_rooms;  // belongs to, by name
  std::optional<room_id> typing_in;
  std::int64_t queued = 0, dropped = 0;  // messages in the mailbox; of those that had to make room, not told yet
  std::string client;                    // the JSON in ws:clients: of the newest connection; empty: there is none
  std::string last_seen;  // ISO 8601 or empty: of the last connection that has ended
  std::int64_t banned_s = 0;
};

// Two round trips.
task<result<user_details>> describe(redis::client& redis, user_id user);

// The newest connection of each user as JSON, by user. HGETALL
struct client_list {
  std::string_view key;  // where it is stored
  string_pairs clients;
};
task<result<client_list>> list_clients(redis::client& redis);

// The rooms that a user belongs to, and whether it is online.
struct membership_list {
  std::vector<std::string> rooms;
  bool online = false;
};
task<result<membership_list>> list_memberships(redis::client& redis, user_id user);

// Deletes what Redis keeps for a user who is away: mailbox and the time of the last visit.
task<result<void>> forget_absent_user(redis::client& redis, user_id user);

}  // namespace hiky::state
