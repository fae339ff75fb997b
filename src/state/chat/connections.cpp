// SPDX-License-Identifier: Apache-2.0
#include "state/chat/connections.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/chat/announcements.hpp"
#include "state/keys.hpp"

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

constexpr int given_life_s = 24 * 60 * 60;  // as long as a room's log lives behind its last message

}  // namespace

task<result<connected>> connections::add(connection_details c, std::vector<known_room> rooms, known_rooms what,
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
  call.arg(c.user).arg(c.id);
  auto about =
      json_object({{"instance", c.instance}, {"since", c.connected_at}, {"ip", c.ip_address}, {"agent", c.user_agent}});
  if (c.rooms) {
    json::array patterns(c.rooms->begin(), c.rooms->end());
    about.replace(about.size() - 1, 1, fmt::format(",\"rooms\":{}}}", json::serialize(patterns)));
  }
  call.arg(about);
  call.arg(
      c.ip_address.empty()
          ? json_object({{"connectedAt", c.connected_at}, {"lastSeen", c.connected_at}})
          : json_object({{"connectedAt", c.connected_at}, {"lastSeen", c.connected_at}, {"ipAddress", c.ip_address}}));
  call.arg(keys::prefix::room_participants).arg(keys::prefix::room_members).arg(keys::prefix::room_absent);
  call.arg(most_per_user_).arg(keys::instance_channels(database_)).arg(close_replaced);
  call.arg(what == known_rooms::become_members ? "enters"
           : what == known_rooms::unless_left  ? "known"
                                               : "none")
      .arg(c.instance)
      .arg(lease_.count());
  call.arg(keys::prefix::joined_room_participants)
      .arg(newest_ms)
      .arg(keys::prefix::room_head)
      .arg(1000 * keys::unheard_life_s)
      .arg(known_ms);
  for (auto const& each : rooms) {
    call.arg(each.room).arg(each.open ? "open" : "");
  }

  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  connected out;
  auto const items = (*answer)[0].items();
  if (items.size() < 3)
    co_return fail(errc::unexpected_reply, "connect.lua returned something else than its table says");
  out.connections = items[0].integer();
  if (out.connections < 0) {
    out.kept_out_s = items[1].integer();
    co_return out;
  }
  out.was_announced = items[1].integer() == 0;
  if (items.size() < 5)
    co_return fail(errc::unexpected_reply, "connect.lua returned something else than its table says");
  out.mail = items[2].integer();
  out.at_ms = items[3].integer();
  out.kick = items[4].integer();
  out.rooms.reserve(items.size() - 5);
  for (std::size_t i = 5; i < items.size(); ++i) out.rooms.emplace_back(items[i].text());
  co_return out;
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

task<result<notified>> connections::notify(std::vector<user_id> users, char kind, std::string frame,
                                           std::optional<once> what) {
  static redis::script const script{scripts::notify_lua};
  if (users.empty()) co_return notified{};
  std::vector<std::string> used_keys;
  if (what) used_keys.push_back(keys::idempotency(what->caller, what->key));
  auto call = script.call(used_keys, (what ? 6 : 4) + users.size());
  call.arg(keys::prefix::user_connections)
      .arg(keys::instance_channels(database_))
      .arg(std::string_view{&kind, 1})
      .arg(frame);
  if (what) call.arg(what->digest).arg(what->life_s);
  for (auto const& user : users) call.arg(user);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  auto const items = (*answer)[0].items();
  if (items[0].integer() < 0) co_return fail(errc::conflict, "the key has come with another request");
  co_return notified{items[0].integer(), items[1].integer() == 1};
}

task<result<void>> connections::seen(std::vector<user_id> users, std::string when) {
  static redis::script const script{scripts::seen_lua};
  std::string const used_keys[]{std::string{keys::clients}};
  auto call = script.call(used_keys, 1 + users.size());
  call.arg(when);
  for (auto const& user : users) call.arg(user);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return result<void>{};
}

task<result<user_places>> connections::places(user_id user) {
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

task<result<std::vector<bool>>> connections::online(std::vector<user_id> users) {
  std::vector<bool> out;
  if (users.empty()) co_return out;
  redis::request ask;
  ask.begin(2 + users.size()).arg("SMISMEMBER").arg(keys::online_users);
  for (auto const& user : users) ask.arg(user);
  ask.begin(2 + users.size()).arg("ZMSCORE").arg(keys::pending_offline);
  for (auto const& user : users) ask.arg(user);
  auto const answer = co_await redis_.exec(std::move(ask));
  if (!answer) co_return std::unexpected(answer.error());
  auto const here = (*answer)[0].items(), due = (*answer)[1].items();
  if (here.size() != users.size() || due.size() != users.size()) {
    co_return fail(errc::unexpected_reply, "SMISMEMBER or ZMSCORE answered for another number of users");
  }
  for (std::size_t i = 0; i < users.size(); ++i)
    out.push_back(here[i].integer() == 1 || (!due[i].is_null() && is_unannounced(due[i].text())));
  co_return out;
}

task<result<std::vector<std::string>>> connections::last_seen(std::vector<user_id> users) {
  std::vector<std::string> out;
  if (users.empty()) co_return out;
  redis::request ask;
  for (auto const& user : users) ask.add("GET", keys::last_seen(user));
  auto const answer = co_await redis_.exec(std::move(ask));
  if (!answer) co_return std::unexpected(answer.error());
  for (std::size_t i = 0; i < users.size(); ++i) out.emplace_back((*answer)[i].text());
  co_return out;
}

task<result<std::vector<instance_id>>> connections::instances() {
  std::vector<instance_id> out;
  std::string cursor{"0"};
  do {
    auto const pattern = std::string{keys::prefix::instance_connections} + "*";
    auto const answer = co_await redis_.exec(redis::request{"SCAN", cursor, "MATCH", pattern, "COUNT", 1000});
    if (!answer) co_return std::unexpected(answer.error());
    auto const page = (*answer)[0].items();
    if (page.size() != 2)
      co_return fail(errc::unexpected_reply, "SCAN answered with something else than a cursor and keys");
    cursor = page[0].text();
    for (auto const& key : page[1].strings()) out.emplace_back(key.substr(keys::prefix::instance_connections.size()));
  } while (cursor != "0");
  co_return out;
}

task<result<std::vector<std::pair<connection_id, user_id>>>> connections::of_instance(instance_id instance) {
  auto const answer = co_await redis_.exec(redis::request{"HGETALL", keys::instance_connections(instance)});
  if (!answer) co_return std::unexpected(answer.error());
  std::vector<std::pair<connection_id, user_id>> out;
  for (auto& [c, u] : (*answer)[0].pairs()) out.emplace_back(connection_id{std::move(c)}, user_id{std::move(u)});
  co_return out;
}

task<result<listed_connections>> connections::listed(instance_id instance, std::string cursor, std::string pattern,
                                                     std::size_t count) {
  redis::request ask{"TIME"};
  ask.add("HSCAN", keys::instance_connections(instance), cursor, "MATCH", pattern, "COUNT", count);
  auto const answer = co_await redis_.exec(std::move(ask));
  if (!answer) co_return std::unexpected(answer.error());
  auto const time = (*answer)[0].items(), page = (*answer)[1].items();
  if (time.size() != 2 || page.size() != 2)
    co_return fail(errc::unexpected_reply, "TIME or HSCAN answered with something else than two parts");
  listed_connections out{std::string{page[0].text()}, time[0].integer() * 1000 + time[1].integer() / 1000, {}};
  for (auto& [c, u] : page[1].pairs()) out.connections.emplace_back(connection_id{std::move(c)}, user_id{std::move(u)});
  co_return out;
}

task<result<std::vector<bool>>> connections::still_listed(instance_id instance,
                                                          std::vector<connection_id> connections) {
  std::vector<bool> out;
  if (connections.empty()) co_return out;
  redis::request ask;
  ask.begin(2 + connections.size()).arg("HMGET").arg(keys::instance_connections(instance));
  for (auto const& c : connections) ask.arg(c);
  auto const answer = co_await redis_.exec(std::move(ask));
  if (!answer) co_return std::unexpected(answer.error());
  for (auto const& user : (*answer)[0].items()) out.push_back(!user.is_null());
  if (out.size() != connections.size())
    co_return fail(errc::unexpected_reply, "HMGET answered for another number of connections");
  co_return out;
}

}  // namespace hiky::state
