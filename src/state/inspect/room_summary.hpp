// SPDX-License-Identifier: Apache-2.0
// Rooms as Redis knows them, for the HTTP API and hikyctl. Names are as Redis holds them, valid or not.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

struct room_summary {
  std::vector<std::string> participants, joined, members;  // users, by name
  std::int64_t last_seq = 0;                               // of the newest message; 0: none yet
  std::int64_t history = 0;                                // messages in the log
};

// One round trip.
task<result<room_summary>> summarize(redis::client& redis, room_id room);

struct room_sizes {
  std::string name;
  std::int64_t participants = 0, joined = 0, members = 0;  // -1: its key holds something else than a set
};

// All rooms that somebody is in, by name. SCAN, and SCARD for each
task<result<std::vector<room_sizes>>> list_rooms(redis::client& redis);

// Rooms in which something was said, by name. SCAN
task<result<std::vector<std::string>>> rooms_with_messages(redis::client& redis);

// Numbers of the newest messages of `rooms`, in their order.
task<result<std::vector<std::uint64_t>>> newest_seqs(redis::client& redis, std::vector<std::string> rooms);

// The channel on which instances tell each other what happens in a room.
std::string channel_of(room_id const& room, int database);

}  // namespace hiky::state
