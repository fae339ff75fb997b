// SPDX-License-Identifier: Apache-2.0
// Rooms, and who is in them: taking part (a live connection), joined (has it open now), members (for good).
#include <fmt/format.h>

#include <set>

#include "app/ctl/commands.hpp"
#include "app/ctl/findings.hpp"
#include "auth/reserved.hpp"
#include "directory/redis_directory.hpp"
#include "state/chat/members.hpp"
#include "state/inspect/room_summary.hpp"

namespace hiky::ctl {
namespace {

std::string size_text(std::int64_t size) { return size < 0 ? "?" : fmt::to_string(size); }

json::value size_json(std::int64_t size) {
  if (size < 0) return nullptr;
  return size;
}

}  // namespace

outcome rooms(session& s) {
  auto const found = co_await state::list_rooms(s.ws);
  if (!found) co_return std::unexpected(found.error());
  report out;
  out.head = {"ROOM", "PARTICIPANTS", "JOINED", "MEMBERS"};
  out.when_empty = "no rooms";
  json::array all;
  for (auto const& r : *found) {
    out.rows.push_back({r.name, size_text(r.participants), size_text(r.joined), size_text(r.members)});
    all.push_back(json::object{{"room", foreign(r.name)},
                               {"participants", size_json(r.participants)},
                               {"joined", size_json(r.joined)},
                               {"members", size_json(r.members)}});
  }
  out.json = json::serialize(json::object{{"count", found->size()}, {"rooms", std::move(all)}});
  co_return out;
}

outcome room(session& s, room_id which) {
  auto const found = co_await state::summarize(s.ws, which);
  if (!found) co_return std::unexpected(found.error());
  auto const listed = co_await directory::redis_directory{s.app}.room_members(which);
  if (!listed) co_return std::unexpected(listed.error());
  std::set<std::string> directory_members;
  for (auto const& u : *listed) directory_members.insert(u.str());
  co_return room_report({{"room", foreign(which)},
                         {"participants", json_array(found->participants)},
                         {"joined", json_array(found->joined)},
                         {"members", json_array(found->members)},
                         {"directoryMembers", json_array(directory_members)},
                         {"lastSeq", found->last_seq},
                         {"history", found->history}});
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
