// SPDX-License-Identifier: Apache-2.0
#include "state/chat/members.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/chat/announcements.hpp"
#include "state/chat/bus_letters.hpp"
#include "state/chat/keys.hpp"

namespace hiky::state {
namespace {

// `<head>USER\n{"type":…,"roomId":…,"userId":…}`
std::string announcement(std::string head, std::string_view type, user_id const& user, room_id const& room) {
  head += user.str();
  head += "\n{\"type\":\"";
  head += type;
  head += "\",\"roomId\":";
  append_json_string(head, room);
  head += ",\"userId\":";
  append_json_string(head, user);
  head += '}';
  return head;
}

}  // namespace

task<result<joined>> members::join(user_id user, room_id room, connection_id connection, std::size_t most,
                                   joining how) {
  static redis::script const script{scripts::join_lua};
  std::string const used_keys[]{
      keys::room_participants(room), keys::user_rooms(user),   keys::joined_room_participants(room),
      keys::room_members(room),      keys::member_rooms(user), keys::user_connections(user),
      keys::room_absent(room),       keys::room_head(room),    std::string{keys::pending_offline},
      std::string{keys::clock},      keys::left(user)};
  auto call = script.call(used_keys, 9);
  call.arg(user).arg(room).arg(most).arg(keys::room_channels(database_) + room.str());
  call.arg(announcement(bus_start(bus_letter::joined), "userJoined", user, room))
      .arg(keys::instance_channels(database_))
      .arg(connection)
      .arg(how.quiet ? "quiet" : "")
      .arg(how.was_in ? "in" : "");
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  joined out;
  auto const items = (*answer)[0].items();
  if (items.size() < 2) co_return fail(errc::unexpected_reply, "join.lua returned something else than its table says");
  out.participant_count = items.front().integer();
  out.at_ms = items[1].integer();
  out.participants.reserve(items.size() - 2);
  for (std::size_t i = 2; i < items.size(); ++i) out.participants.emplace_back(items[i].text());
  co_return out;
}

task<result<bool>> members::leave(user_id user, room_id room) {
  static redis::script const script{scripts::leave_lua};
  std::string const used_keys[]{
      keys::room_participants(room), keys::user_rooms(user),   keys::joined_room_participants(room),
      keys::room_members(room),      keys::member_rooms(user), std::string{keys::typing_users},
      keys::typing_user(user),       keys::room_absent(room),  std::string{keys::typing_marks},
      keys::room_head(room),         std::string{keys::clock}, keys::left(user)};
  auto call = script.call(used_keys, 5);
  call.arg(user)
      .arg(room)
      .arg(keys::room_channels(database_) + room.str())
      .arg(announcement("", "userLeft", user, room));
  call.arg(1000 * keys::unheard_life_s);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return (*answer)[0].integer() == 1;
}

task<result<room_entry>> members::entry(room_id room, user_id user, std::int64_t since_ms) {
  static redis::script const script{scripts::room_since_lua};
  std::string const used_keys[]{keys::room_members(room), keys::room_head(room), keys::room_log(room)};
  auto call = script.call(used_keys, 2);
  call.arg(user).arg(since_ms);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  auto const items = (*answer)[0].items();
  if (items.size() != 3)
    co_return fail(errc::unexpected_reply, "room_since.lua returned something else than its table says");
  co_return room_entry{items[0].integer() == 1,
                       {std::string{items[1].text()}, static_cast<std::uint64_t>(items[2].integer())}};
}

task<result<user_places>> members::places(user_id user) {
  static redis::script const script{scripts::user_places_lua};
  std::string const used_keys[]{keys::member_rooms(user)};
  auto call = script.call(used_keys, 1);
  call.arg(keys::prefix::room_head);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  auto const items = (*answer)[0].items();
  if (items.size() < 2)
    co_return fail(errc::unexpected_reply, "user_places.lua returned something else than its table says");
  user_places out{items[0].integer(), items[1].integer(), {}};
  out.rooms.reserve(items.size() / 3);
  for (std::size_t i = 2; i + 2 < items.size(); i += 3) {
    out.rooms.emplace_back(items[i].text(), message_place{std::string{items[i + 1].text()},
                                                          static_cast<std::uint64_t>(items[i + 2].integer())});
  }
  co_return out;
}

task<result<bool>> members::add(user_id user, room_id room) {
  static redis::script const script{scripts::member_add_lua};
  std::string const used_keys[]{keys::room_participants(room), keys::user_rooms(user),       keys::room_members(room),
                                keys::member_rooms(user),      keys::user_connections(user), keys::room_absent(room),
                                keys::room_head(room),         std::string{keys::clock},     keys::left(user)};
  auto call = script.call(used_keys, 5);
  call.arg(user).arg(room).arg(keys::instance_channels(database_)).arg(keys::room_channels(database_) + room.str());
  call.arg(announcement(bus_start(bus_letter::joined), "userJoined", user, room));
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return (*answer)[0].integer() == 1;
}

task<result<std::int64_t>> members::announce_back(std::vector<returned_user> users) {
  static redis::script const script{scripts::announce_back_lua};
  std::string const used_keys[]{std::string{keys::online_users}, std::string{keys::pending_offline}};
  std::size_t words = 2;
  for (auto const& one : users) words += 2 + one.rooms.size();
  auto call = script.call(used_keys, words);
  call.arg(keys::room_channels(database_)).arg(keys::prefix::room_members);
  for (auto const& one : users) {
    call.arg(one.user).arg(one.rooms.size());
    for (auto const& room : one.rooms) call.arg(room);
  }
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return (*answer)[0].integer();
}

task<result<bool>> members::contains(room_id room, user_id user) {
  auto const answer = co_await redis_.exec(redis::request{"SISMEMBER", keys::room_members(room), user});
  if (!answer) co_return std::unexpected(answer.error());
  co_return (*answer)[0].integer() == 1;
}

task<result<list_page>> members::participants(room_id room, page_wish wish) {
  auto away = co_await unannounced(room);
  if (!away) co_return std::unexpected(away.error());
  co_return co_await read_page(redis_, stored_as::set, keys::room_participants(room), std::move(wish),
                               std::move(*away));
}

// Users who lost their last connection within the grace, as join.lua has it.
task<result<std::vector<std::string>>> members::unannounced(room_id room) {
  constexpr std::int64_t most = 1000;
  std::vector<std::string> out;
  redis::request sizes;
  sizes.add("ZCARD", keys::pending_offline).add("SCARD", keys::room_absent(room));
  auto const size = co_await redis_.exec(std::move(sizes));
  if (!size) co_return std::unexpected(size.error());
  auto const smaller = std::min((*size)[0].integer(), (*size)[1].integer());
  if (smaller == 0 || smaller > most) co_return out;
  redis::request both{"ZINTER", 2, keys::pending_offline, keys::room_absent(room), "WEIGHTS", 1, 0, "WITHSCORES"};
  auto const answer = co_await redis_.exec(std::move(both));
  if (!answer) co_return std::unexpected(answer.error());
  // RESP3 pairs them, RESP2 does not.
  for (auto const& entry : (*answer)[0].items()) {
    auto const pair = entry.items();
    if (pair.size() == 2 && is_unannounced(pair[1].text())) out.emplace_back(pair[0].text());
  }
  co_return out;
}

task<result<std::vector<user_id>>> members::all(room_id room) {
  auto const answer = co_await redis_.exec(redis::request{"SMEMBERS", keys::room_members(room)});
  if (!answer) co_return std::unexpected(answer.error());
  std::vector<user_id> out;
  for (auto& user : (*answer)[0].strings()) out.emplace_back(std::move(user));
  co_return out;
}

}  // namespace hiky::state
