// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/room_summary.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "state/chat/keys.hpp"
#include "state/inspect/batch.hpp"

namespace hiky::state {
namespace {

constexpr std::array families{keys::prefix::room_participants, keys::prefix::joined_room_participants,
                              keys::prefix::room_members};

std::vector<std::string> sorted(std::vector<std::string> all) {
  std::ranges::sort(all);
  return all;
}

}  // namespace

task<result<room_summary>> summarize(redis::client& redis, room_id room) {
  batch asked;
  asked.add("SMEMBERS", keys::room_participants(room))
      .add("SMEMBERS", keys::joined_room_participants(room))
      .add("SMEMBERS", keys::room_members(room))
      .add("HGET", keys::room_head(room), "seq")
      .add("XLEN", keys::room_log(room));
  auto const reply = co_await all_of(redis, std::move(asked));
  if (!reply) co_return std::unexpected(reply.error());
  auto const& r = *reply;
  co_return room_summary{.participants = sorted(r[0].strings()),
                         .joined = sorted(r[1].strings()),
                         .members = sorted(r[2].strings()),
                         .last_seq = r[3].integer(),
                         .history = r[4].integer()};
}

task<result<std::vector<room_sizes>>> list_rooms(redis::client& redis) {
  auto const found = co_await scan(redis, "ws:*room_*");
  if (!found) co_return std::unexpected(found.error());
  std::set<std::string> names;
  for (auto const& key : *found) {
    for (auto const family : families) {
      if (key.starts_with(family)) names.insert(key.substr(family.size()));
    }
  }
  std::array<std::vector<std::int64_t>, families.size()> counts;
  for (std::size_t i = 0; i < families.size(); ++i) {
    std::vector<std::string> sets;
    sets.reserve(names.size());
    for (auto const& name : names) sets.push_back(keys::of(families[i], name));
    auto sized = co_await sizes(redis, "SCARD", std::move(sets));
    if (!sized) co_return std::unexpected(sized.error());
    counts[i] = std::move(*sized);
  }
  std::vector<room_sizes> out;
  out.reserve(names.size());
  for (auto const& name : names) {
    auto const i = out.size();
    out.push_back({name, counts[0][i], counts[1][i], counts[2][i]});
  }
  co_return out;
}

task<result<std::vector<std::string>>> rooms_with_messages(redis::client& redis) {
  auto found = co_await scan(redis, std::string{keys::prefix::room_head} + "*");
  if (!found) co_return std::unexpected(found.error());
  for (auto& key : *found) key.erase(0, keys::prefix::room_head.size());
  co_return std::move(*found);
}

task<result<std::vector<std::uint64_t>>> newest_seqs(redis::client& redis, std::vector<std::string> rooms) {
  constexpr std::size_t at_once = 1000;
  std::vector<std::uint64_t> out;
  out.reserve(rooms.size());
  while (out.size() < rooms.size()) {
    redis::request ask;
    auto const end = std::min(rooms.size(), out.size() + at_once);
    for (auto i = out.size(); i < end; ++i) ask.add("HGET", keys::of(keys::prefix::room_head, rooms[i]), "seq");
    auto const seqs = co_await redis.exec_each(std::move(ask));
    if (!seqs) co_return std::unexpected(seqs.error());
    for (std::size_t i = 0; i < seqs->size(); ++i)
      out.push_back(static_cast<std::uint64_t>(std::max<std::int64_t>(0, (*seqs)[i].integer())));
  }
  co_return out;
}

std::string channel_of(room_id const& room, int database) { return keys::room_channels(database) + room.str(); }

}  // namespace hiky::state
