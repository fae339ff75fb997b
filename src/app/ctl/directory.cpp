// SPDX-License-Identifier: Apache-2.0
// Filling the built-in directory: users and friendships.
#include <fmt/format.h>

#include <set>

#include "app/ctl/commands.hpp"
#include "auth/reserved.hpp"
#include "directory/redis_directory.hpp"
#include "state/chat/members.hpp"
#include "state/inspect/user_details.hpp"

namespace hiky::ctl {
namespace {

// Friends and members need no profile, but a name that nobody has is more often a slip than a wish.
task<result<std::vector<std::string>>> notes_on_strangers(directory::directory& known, std::vector<user_id> who) {
  auto const profiles = co_await known.profiles(std::move(who));
  if (!profiles) co_return std::unexpected(profiles.error());
  std::vector<std::string> notes;
  for (auto const& p : *profiles) {
    if (!p.username.empty() || !p.name.empty()) continue;
    notes.push_back(fmt::format("'{}' has no profile in the directory; give them one with: hikyctl user add {}",
                                visible(p.id), pasteable({p.id})));
  }
  co_return notes;
}

report friendship(user_id const& one, user_id const& other, bool changed, std::string_view now,
                  std::string_view before) {
  return {.json = json::serialize(json::object{{"users", json_array(std::vector{one, other})}, {"changed", changed}}),
          .text = fmt::format("{} and {} {}", visible(one), visible(other), changed ? now : before)};
}

}  // namespace

outcome add_user(session& s, directory::profile_change change) {
  auto const who = change.id;
  if (auth::is_reserved(who))
    co_return fail(errc::invalid_argument, fmt::format("'{}' {}", who.str(), auth::reserved_fault));
  directory::redis_directory known{s.app};
  auto const added = co_await known.add_user(std::move(change));
  if (!added) co_return std::unexpected(added.error());
  auto const now = co_await known.profiles({who});
  if (!now) co_return std::unexpected(now.error());
  auto const& p = now->front();
  co_return report{.json = json::serialize(json::object{{"id", foreign(who)},
                                                        {"username", foreign(p.username)},
                                                        {"name", foreign(p.name)},
                                                        {"profileImage", foreign(p.profile_image)},
                                                        {"added", *added}}),
                   .text = fmt::format("{} {}", *added ? "added" : "changed", visible(who))};
}

outcome remove_user(session& s, user_id who) {
  directory::redis_directory known{s.app};
  state::members members{s.ws, s.database()};
  auto const entry = co_await known.load(who);
  if (!entry) co_return std::unexpected(entry.error());
  auto const before = co_await state::list_memberships(s.ws, who);
  if (!before) co_return std::unexpected(before.error());

  // The directory first: a connection that begins meanwhile must not find the rooms there again.
  auto const removed = co_await known.remove_user(who);
  if (!removed) co_return std::unexpected(removed.error());
  std::set<room_id> rooms{entry->rooms.begin(), entry->rooms.end()};
  for (auto const& name : before->rooms) rooms.emplace(name);
  for (auto const& room : rooms) {
    if (auto const left = co_await members.leave(who, room); !left) co_return std::unexpected(left.error());
  }
  if (auto const gone = co_await state::forget_absent_user(s.ws, who); !gone) co_return std::unexpected(gone.error());

  bool const was_there = *removed || !rooms.empty();
  report out{json::serialize(json::object{{"id", foreign(who)}, {"removed", was_there}, {"rooms", json_array(rooms)}})};
  out.text = was_there ? fmt::format("removed {} from the directory and from {}", visible(who),
                                     counted(static_cast<std::int64_t>(rooms.size()), "room"))
                       : fmt::format("{} was not in the directory", visible(who));
  if (before->online) out.notes.push_back(fmt::format("'{}' is online; their open connections stay", visible(who)));
  co_return out;
}

outcome add_friend(session& s, user_id one, user_id other) {
  directory::redis_directory known{s.app};
  auto const changed = co_await known.add_friend(one, other);
  if (!changed) co_return std::unexpected(changed.error());
  auto out = friendship(one, other, *changed, "are friends now", "were friends already");
  auto notes = co_await notes_on_strangers(known, {one, other});
  if (!notes) co_return std::unexpected(notes.error());
  out.notes = std::move(*notes);
  co_return out;
}

outcome remove_friend(session& s, user_id one, user_id other) {
  auto const changed = co_await directory::redis_directory{s.app}.remove_friend(one, other);
  if (!changed) co_return std::unexpected(changed.error());
  co_return friendship(one, other, *changed, "are no longer friends", "were no friends");
}

}  // namespace hiky::ctl
