// SPDX-License-Identifier: Apache-2.0
// Rooms, and who is in them: taking part (a live connection), joined (has it open now), members (for good).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "app/ctl/commands.hpp"
#include "app/ctl/findings.hpp"
#include "auth/reserved.hpp"
#include "directory/redis_directory.hpp"
#include "state/chat/keys.hpp"
#include "state/chat/members.hpp"

namespace hiky::ctl {
namespace {

namespace keys = state::keys;

constexpr std::array families{keys::prefix::room_participants, keys::prefix::joined_room_participants,
                              keys::prefix::room_members};

std::string size_text(std::int64_t size) { return size < 0 ? "?" : fmt::to_string(size); }

json::value size_json(std::int64_t size) {
  if (size < 0) return nullptr;
  return size;
}

}  // namespace

outcome rooms(session& s) {
  auto const found = co_await scan(s.ws, "ws:*room_*");
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
    auto sized = co_await sizes(s.ws, "SCARD", std::move(sets));
    if (!sized) co_return std::unexpected(sized.error());
    counts[i] = std::move(*sized);
  }
  report out;
  out.head = {"ROOM", "PARTICIPANTS", "JOINED", "MEMBERS"};
  out.when_empty = "no rooms";
  json::array all;
  for (std::size_t i = 0; auto const& name : names) {
    out.rows.push_back({name, size_text(counts[0][i]), size_text(counts[1][i]), size_text(counts[2][i])});
    all.push_back(json::object{{"room", foreign(name)},
                               {"participants", size_json(counts[0][i])},
                               {"joined", size_json(counts[1][i])},
                               {"members", size_json(counts[2][i])}});
    ++i;
  }
  out.json = json::serialize(json::object{{"count", names.size()}, {"rooms", std::move(all)}});
  co_return out;
}

outcome room(session& s, room_id which) {
  batch asked;
  asked.add("SMEMBERS", keys::room_participants(which))
      .add("SMEMBERS", keys::joined_room_participants(which))
      .add("SMEMBERS", keys::room_members(which))
      .add("HGET", keys::room_head(which), "seq")
      .add("XLEN", keys::room_log(which));
  auto const reply = co_await all_of(s.ws, std::move(asked));
  if (!reply) co_return std::unexpected(reply.error());
  auto const listed = co_await directory::redis_directory{s.app}.room_members(which);
  if (!listed) co_return std::unexpected(listed.error());

  auto const ids = [](std::vector<std::string> texts) {
    std::ranges::sort(texts);
    return json_array(texts);
  };
  std::set<std::string> directory_members;
  for (auto const& u : *listed) directory_members.insert(u.str());
  co_return room_report({{"room", foreign(which)},
                         {"participants", ids((*reply)[0].strings())},
                         {"joined", ids((*reply)[1].strings())},
                         {"members", ids((*reply)[2].strings())},
                         {"directoryMembers", json_array(directory_members)},
                         {"lastSeq", (*reply)[3].integer()},
                         {"history", (*reply)[4].integer()}});
}

outcome add_members(session& s, room_id which, std::vector<user_id> who) {
  directory::redis_directory known{s.app};
  state::members members{s.ws, s.database()};
  std::vector<user_id> added, already;
  for (auto const& u : who) {
    if (auth::is_reserved(u))
      co_return fail(errc::invalid_argument, fmt::format("'{}' {}", u.str(), auth::reserved_fault));
  }
  for (auto const& u : who) {
    // The directory first: should the second step fail, the user's next connection makes up for it.
    auto const listed = co_await known.add_room_member(u, which);
    if (!listed) co_return std::unexpected(listed.error());
    auto const entered = co_await members.add(u, which);
    if (!entered) co_return std::unexpected(entered.error());
    (*listed || *entered ? added : already).push_back(u);
  }
  co_return added_report(which, added, already);
}

outcome remove_members(session& s, room_id which, std::vector<user_id> who) {
  directory::redis_directory known{s.app};
  state::members members{s.ws, s.database()};
  std::vector<user_id> removed, absent;
  for (auto const& u : who) {
    // The directory first: the other way round, a connection in between would bring the membership back.
    auto const listed = co_await known.remove_room_member(u, which);
    if (!listed) co_return std::unexpected(listed.error());
    auto const left = co_await members.leave(u, which);
    if (!left) co_return std::unexpected(left.error());
    (*listed || *left ? removed : absent).push_back(u);
  }
  co_return removed_report(which, removed, absent);
}

}  // namespace hiky::ctl
