// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/message_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "state/chat/keys.hpp"

namespace hiky::state {
namespace {

constexpr std::size_t heads_at_once = 1000;

struct head {
  room_id room;
  std::uint64_t seq = 0;
};

// Of `rooms`, the one that counts in `epoch`.
task<result<std::optional<head>>> with_epoch(redis::client& redis, std::vector<room_id> rooms, std::string epoch) {
  std::optional<head> found;
  for (std::size_t begin = 0; begin < rooms.size() && !found; begin += heads_at_once) {
    auto const end = std::min(rooms.size(), begin + heads_at_once);
    redis::request ask;
    for (auto i = begin; i < end; ++i) ask.add("HMGET", keys::room_head(rooms[i]), "epoch", "seq");
    auto const answer = co_await redis.exec_each(std::move(ask));
    if (!answer) co_return std::unexpected(answer.error());
    for (auto i = begin; i < end && !found; ++i) {
      auto const fields = (*answer)[i - begin].items();
      if (fields.size() == 2 && fields[0].text() == epoch)
        found = head{rooms[i], static_cast<std::uint64_t>(fields[1].integer())};
    }
  }
  co_return found;
}

// All rooms that have a head.
task<result<std::vector<room_id>>> rooms_with_head(redis::client& redis) {
  std::set<std::string> names;  // SCAN may give a key twice
  std::string cursor{"0"};
  do {
    auto const answer = co_await redis.exec(
        redis::request{"SCAN", cursor, "MATCH", std::string{keys::prefix::room_head} + "*", "COUNT", 1000});
    if (!answer) co_return std::unexpected(answer.error());
    auto const page = (*answer)[0].items();
    if (page.size() != 2)
      co_return fail(errc::unexpected_reply, "SCAN answered with something else than a cursor and keys");
    cursor = page[0].text();
    for (auto const& key : page[1].strings()) names.insert(key.substr(keys::prefix::room_head.size()));
  } while (cursor != "0");
  co_return std::vector<room_id>(names.begin(), names.end());
}

}  // namespace

task<result<room_id>> find_room_of(redis::client& redis, message_place place, std::optional<room_id> room) {
  std::vector<room_id> rooms;
  if (room) {
    rooms.push_back(*room);
  } else {
    auto all = co_await rooms_with_head(redis);
    if (!all) co_return std::unexpected(all.error());
    rooms = std::move(*all);
  }
  auto const found = co_await with_epoch(redis, std::move(rooms), place.epoch);
  if (!found) co_return std::unexpected(found.error());
  if (!*found && room) {
    co_return fail(
        errc::not_found,
        fmt::format(
            "room '{}' does not count in the epoch {} now: the message is from another room, or from before Redis "
            "lost the room's log",
            room->str(), place.epoch));
  }
  if (!*found) {
    co_return fail(
        errc::not_found,
        fmt::format("no room counts in the epoch {} now: the message is from before Redis lost its room's log, or from "
                    "another Redis",
                    place.epoch));
  }
  if (place.seq == 0 || (*found)->seq < place.seq) {
    co_return fail(errc::not_found, fmt::format("room '{}' has counted to {} in this epoch; there is no message {} yet",
                                                (*found)->room.str(), (*found)->seq, place.seq));
  }
  co_return (*found)->room;
}

}  // namespace hiky::state
