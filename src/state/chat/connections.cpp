// SPDX-License-Identifier: Apache-2.0
#include "state/chat/connections.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/chat/keys.hpp"

namespace hiky::state {
namespace {

std::string json_object(std::initializer_list<std::pair<std::string_view, std::string_view>> members) {
  std::string out{"{"};
  for (auto const& [name, text] : members) {
    if (out.size() > 1) out += ',';
    append_json_string(out, name);
    out += ':';
    append_json_string(out, text);
  }
  return out += '}';
}

// The connection's value in user_connections:{u}. The script adds the times in ms that only Redis knows.
std::string connection_json(connection_details const& c) {
  auto out =
      json_object({{"instance", c.instance}, {"since", c.connected_at}, {"ip", c.ip_address}, {"agent", c.user_agent}});
  if (!c.rooms) return out;
  json::array patterns(c.rooms->begin(), c.rooms->end());
  out.replace(out.size() - 1, 1, fmt::format(",\"rooms\":{}}}", json::serialize(patterns)));
  return out;
}

// The user's entry in the document's clients.
std::string client_json(connection_details const& c) {
  if (c.ip_address.empty()) return json_object({{"connectedAt", c.connected_at}, {"lastSeen", c.connected_at}});
  return json_object({{"connectedAt", c.connected_at}, {"lastSeen", c.connected_at}, {"ipAddress", c.ip_address}});
}

std::string_view word_for(membership basis) {
  switch (basis) {
    case membership::granted: return "granted";
    case membership::remembered: return "remembered";
    case membership::stored: return "stored";
  }
  return "stored";
}

// The answer of connect.lua, as its table has it.
result<connected> read_connected(std::vector<redis::value> const& items) {
  auto const other = [] {
    return fail(errc::unexpected_reply, "connect.lua returned something else than its table says");
  };
  if (items.size() < 3) return other();
  connected out;
  out.connections = items[0].integer();
  if (out.connections < 0) {
    out.kept_out_s = items[1].integer();
    return out;
  }
  if (items.size() < 5) return other();
  out.was_announced = items[1].integer() == 0;
  out.mail = items[2].integer();
  out.at_ms = items[3].integer();
  out.kick = items[4].integer();
  out.rooms.reserve(items.size() - 5);
  for (std::size_t i = 5; i < items.size(); ++i) out.rooms.emplace_back(items[i].text());
  return out;
}

constexpr int given_life_s = 24 * 60 * 60;  // as long as a room's log lives behind its last message

}  // namespace

task<result<connected>> connections::add(connection_details c, std::vector<connection_room> rooms, membership basis,
                                         std::int64_t newest_ms, std::int64_t known_ms) {
  static redis::script const script{scripts::connect_lua};
  std::string const used_keys[]{keys::user_connections(c.user),
                                keys::instance_connections(c.instance),
                                std::string{keys::online_users},
                                std::string{keys::clients},
                                keys::user_rooms(c.user),
                                keys::member_rooms(c.user),
                                keys::offline_messages(c.user),
                                std::string{keys::pending_offline},
                                keys::banned(c.user),
                                std::string{keys::instances},
                                keys::kicked(c.user),
                                std::string{keys::clock},
                                keys::left(c.user)};
  auto call = script.call(used_keys, 18 + 2 * rooms.size());
  call.arg(c.user).arg(c.id).arg(connection_json(c)).arg(client_json(c));
  call.arg(keys::prefix::room_participants).arg(keys::prefix::room_members).arg(keys::prefix::room_absent);
  call.arg(most_per_user_).arg(keys::instance_channels(database_)).arg(close_replaced);
  call.arg(word_for(basis)).arg(c.instance).arg(lease_.count()).arg(keys::prefix::joined_room_participants);
  call.arg(newest_ms).arg(keys::prefix::room_head).arg(1000 * keys::unheard_life_s).arg(known_ms);
  for (auto const& each : rooms) call.arg(each.room).arg(each.open ? "open" : "");
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return read_connected((*answer)[0].items());
}

task<result<std::int64_t>> connections::remove(connection_id c, instance_id instance, user_id user,
                                               unsure_mail unsure) {
  static redis::script const script{scripts::disconnect_lua};
  std::string const used_keys[]{keys::user_connections(user),
                                keys::instance_connections(instance),
                                std::string{keys::online_users},
                                std::string{keys::clients},
                                keys::user_rooms(user),
                                std::string{keys::typing_users},
                                keys::typing_user(user),
                                keys::last_seen(user),
                                std::string{keys::pending_offline},
                                keys::offline_messages(user),
                                keys::offline_inflight(user, c),
                                keys::offline_dropped(user),
                                keys::member_rooms(user),
                                keys::given(user, c),
                                std::string{keys::typing_marks}};
  std::string given;
  for (auto const& range : unsure.given) given += fmt::format("{} {} {}\n", range.epoch, range.first, range.last);
  std::string user_json;
  append_json_string(user_json, user);
  auto call = script.call(used_keys, 16 + 4 * unsure.heard.size());
  call.arg(user)
      .arg(c)
      .arg(iso8601_now())
      .arg(keys::prefix::room_participants)
      .arg(keys::prefix::joined_room_participants);
  call.arg(keys::room_channels(database_)).arg(user_json).arg(grace_.count()).arg(keys::prefix::room_log);
  call.arg(unsure.since_ms ? std::to_string(*unsure.since_ms) : std::string{unsure.since_began ? "began" : ""})
      .arg(keys::instance_channels(database_))
      .arg(keys::prefix::room_head);
  call.arg(keys::prefix::room_absent).arg(unsure.others_since_ms).arg(given).arg(given_life_s);
  for (auto const& each : unsure.heard) call.arg(each.room).arg(each.place.epoch).arg(each.place.seq).arg(each.to);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return (*answer)[0].integer();
}

task<result<comparison>> connections::compare(std::vector<std::pair<user_id, connection_id>> which) {
  static redis::script const script{scripts::compare_lua};
  std::string const used_keys[]{std::string{keys::online_users}};
  auto call = script.call(used_keys, 6 + 2 * which.size());
  call.arg(keys::prefix::member_rooms)
      .arg(keys::prefix::offline_messages)
      .arg(keys::prefix::user_connections)
      .arg(keys::prefix::banned);
  call.arg(keys::prefix::kicked).arg(keys::prefix::offline_inflight);
  for (auto const& [user, connection] : which) call.arg(user).arg(connection);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  auto const items = (*answer)[0].items();
  if (items.size() != which.size() + 1)
    co_return fail(errc::unexpected_reply, "compare.lua answered for another number of connections");
  comparison out{items[0].integer(), {}};
  for (std::size_t i = 1; i < items.size(); ++i) {
    auto const about = items[i].items();
    if (about.size() < 4)
      co_return fail(errc::unexpected_reply, "compare.lua returned something else than its table says");
    auto& one =
        out.seen.emplace_back(about[0].integer() == 1, about[1].integer(), about[2].integer(), about[3].integer());
    for (std::size_t j = 4; j < about.size(); ++j) one.rooms.emplace_back(about[j].text());
  }
  co_return out;
}

task<result<std::int64_t>> connections::kick(user_id user, std::chrono::seconds ban) {
  static redis::script const script{scripts::kick_lua};
  std::string const used_keys[]{keys::user_connections(user), keys::banned(user), keys::kicked(user)};
  auto call = script.call(used_keys, 6);
  call.arg(user).arg(ban.count()).arg(keys::instance_channels(database_)).arg(close_forbidden);
  call.arg(ban.count() > 0 ? ban_reason : kick_reason).arg(keys::unheard_life_s);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  auto const items = (*answer)[0].items();
  if (items.size() != 2) co_return fail(errc::unexpected_reply, "kick.lua returned something else than its table says");
  auto const told = items[0].integer();
  // Behind the text, not before it: Redis puts its own code first.
  if (auto const refused = items[1].text(); !refused.empty()) {
    co_return fail(errc::server_error, fmt::format("{} (told {} connections to end, all the same)", refused, told));
  }
  co_return told;
}

task<result<bool>> connections::pardon(user_id user) {
  auto const answer = co_await redis_.exec(redis::request{"DEL", keys::banned(user)});
  if (!answer) co_return std::unexpected(answer.error());
  co_return (*answer)[0].integer() == 1;
}

task<result<std::vector<std::int64_t>>> connections::kept_out(std::vector<user_id> users) {
  std::vector<std::int64_t> out;
  if (users.empty()) co_return out;
  redis::request ask;
  for (auto const& user : users) ask.add("TTL", keys::banned(user));
  auto const answer = co_await redis_.exec(std::move(ask));
  if (!answer) co_return std::unexpected(answer.error());
  for (std::size_t i = 0; i < users.size(); ++i) out.push_back(std::max<std::int64_t>((*answer)[i].integer(), 0));
  co_return out;
}

task<result<notified>> connections::notify(std::vector<user_id> users, bus_letter kind, std::string frame,
                                           std::optional<once> request) {
  static redis::script const script{scripts::notify_lua};
  if (users.empty()) co_return notified{};
  auto const letter = static_cast<char>(kind);
  std::vector<std::string> used_keys;
  if (request) used_keys.push_back(keys::idempotency(request->caller, request->key));
  auto call = script.call(used_keys, (request ? 6 : 4) + users.size());
  call.arg(keys::prefix::user_connections)
      .arg(keys::instance_channels(database_))
      .arg(std::string_view{&letter, 1})
      .arg(frame);
  if (request) call.arg(request->digest).arg(request->life_s);
  for (auto const& user : users) call.arg(user);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  auto const items = (*answer)[0].items();
  bool const is_other = items.size() == 1 && items[0].integer() < 0;
  if (is_other) co_return fail(errc::conflict, "the key has come with another request");
  if (items.size() != 2)
    co_return fail(errc::unexpected_reply, "notify.lua returned something else than its table says");
  co_return notified{items[0].integer(), items[1].integer() == 1};
}

}  // namespace hiky::state
