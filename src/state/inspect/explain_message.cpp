// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/explain_message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/ask.hpp"
#include "state/chat/keys.hpp"
#include "state/inspect/message_search.hpp"

namespace hiky::state {
namespace {

constexpr std::size_t users_at_once = 100;

// Fills in the knowledge of the room's log. Gives the time of the message in ms, or 0 when the log has it no more.
task<result<std::int64_t>> read_entry(redis::client& redis, message_explanation& into, std::uint64_t seq) {
  auto const id = fmt::format("{}-0", seq);
  auto const channel = keys::room_channels(redis.where().database) + into.room.str();
  redis::request ask{"XRANGE", keys::room_log(into.room), id, id};
  ask.add("SCARD", keys::room_members(into.room)).add("PUBSUB", "NUMSUB", channel);
  auto const answer = co_await redis.exec_each(std::move(ask));
  if (!answer) co_return std::unexpected(answer.error());
  for (std::size_t i = 0; i < 2; ++i) {
    if ((*answer)[i].is_error()) co_return fail(errc::server_error, std::string{(*answer)[i].text()});
  }
  into.members = (*answer)[1].integer();
  // An ACL may keep PUBSUB from us; then the number is not known.
  if (auto const counts = (*answer)[2].items(); counts.size() == 2) into.listeners = counts[1].integer();
  std::int64_t time = 0;
  for (auto const& entry : (*answer)[0].items()) {
    auto const parts = entry.items();
    if (parts.size() != 2) continue;
    into.kept = true;
    for (auto const& [name, text] : parts[1].pairs()) {
      if (name == "s") into.sender = user_id{text};
      else if (name == "c") into.from_connection = connection_id{text};
      else if (name == "t") time = std::strtoll(text.c_str(), nullptr, 10);
    }
  }
  if (time > 0) into.timestamp = iso8601(std::chrono::system_clock::time_point{std::chrono::milliseconds{time}});
  co_return time;
}

// Members and participants, as many as are wanted; sorted.
task<result<std::vector<user_id>>> people_of(redis::client& redis, room_id room, std::size_t most, bool* truncated) {
  std::set<std::string> all;
  for (auto const& key : {keys::room_members(room), keys::room_participants(room)}) {
    std::string cursor{"0"};
    do {
      auto const answer = co_await redis.exec(redis::request{"SSCAN", key, cursor, "COUNT", 1000});
      if (!answer) co_return std::unexpected(in_context(answer.error(), "SSCAN", key));
      auto const page = (*answer)[0].items();
      if (page.size() != 2)
        co_return fail(errc::unexpected_reply, "SSCAN answered with something else than a cursor and members");
      cursor = page[0].text();
      for (auto& name : page[1].strings()) all.insert(std::move(name));
    } while (cursor != "0" && all.size() <= most);
  }
  *truncated = all.size() > most;
  std::vector<user_id> out;
  for (auto const& name : all) {
    if (out.size() == most) break;
    out.emplace_back(name);
  }
  co_return out;
}

std::string timestamp_in(std::string_view frame) {
  auto const text = raw_member(frame, "timestamp").value_or("");
  return text.size() > 2 && text.starts_with('"') ? std::string{text.substr(1, text.size() - 2)} : std::string{};
}

// Reads one user's entry of explain_delivery.lua's answer, and judges it.
result<recipient> read_recipient(redis::value entry, std::int64_t now_ms, judged_message const& m,
                                 room_log_limits const& limits) {
  auto const e = entry.items();
  if (e.size() != 10)
    return fail(errc::unexpected_reply, "explain_delivery.lua returned something else than its table says");
  recipient who;
  who.user = user_id{e[0].text()};
  who.member = e[1].integer() == 1 || e[2].integer() == 1;
  who.online = e[3].integer() == 1;
  for (auto const& each : e[9].items()) {
    auto const c = each.items();
    if (c.size() != 4) continue;
    who.connections.push_back(read_connection(c[0].text(), c[1].text(), c[2], now_ms));
    who.connections.back().in_flight = c[3].integer() == 1;
  }
  judge(who, {e[4].integer(), e[5].integer(), e[7].integer(), timestamp_in(e[6].text()), std::string{e[8].text()}}, m,
        limits);
  if (!who.member) who.why += "; is not in the room now";
  return who;
}

task<result<void>> ask_standings(redis::client& redis, message_explanation& into, std::vector<user_id> users,
                                 std::int64_t time, room_log_limits limits) {
  static redis::script const script{scripts::explain_delivery_lua};
  std::string const used_keys[]{keys::room_members(into.room), keys::room_participants(into.room),
                                std::string{keys::online_users}, std::string{keys::instances}};
  judged_message const judged{into.kept, into.sender, into.from_connection, into.timestamp, time, into.members};
  auto const tail =
      fmt::format(R"("messageId":"{}","seq":{}}})", into.message_id, parse_message_id(into.message_id)->seq);
  for (std::size_t begin = 0; begin < users.size(); begin += users_at_once) {
    auto const end = std::min(users.size(), begin + users_at_once);
    auto call = script.call(used_keys, 6 + end - begin);
    call.arg(tail)
        .arg(keys::prefix::user_connections)
        .arg(keys::prefix::offline_messages)
        .arg(keys::prefix::offline_inflight);
    call.arg(keys::prefix::offline_dropped).arg(keys::prefix::last_seen);
    for (auto i = begin; i < end; ++i) call.arg(users[i]);
    auto const answer = co_await script.run(redis, std::move(call));
    if (!answer) co_return std::unexpected(in_context(answer.error(), "explain_delivery.lua", into.room));
    auto const entries = (*answer)[0].items();
    for (std::size_t i = 1; i < entries.size(); ++i) {
      auto who = read_recipient(entries[i], entries[0].integer(), judged, limits);
      if (!who) co_return std::unexpected(who.error());
      into.recipients.push_back(std::move(*who));
    }
  }
  co_return result<void>{};
}

constexpr std::array all_fates{fate::sent,         fate::routed,  fate::queued,     fate::claimed,
                               fate::acknowledged, fate::dropped, fate::not_queued, fate::unknown};

std::string verdict_on(message_explanation const& m, std::uint64_t seq) {
  auto out = fmt::format("message {} of room {}", seq, m.room.str());
  out += m.kept ? fmt::format(", said by {} at {}", m.sender.str(), m.timestamp) : ", which the room's log has no more";
  std::string counts;
  for (auto const f : all_fates) {
    auto const count = std::ranges::count(m.recipients, f, &recipient::outcome);
    if (count > 0 && f != fate::sent)
      counts += fmt::format("{} {} for {}", counts.empty() ? ":" : ",", to_string(f), count);
  }
  return out + counts;
}

}  // namespace

task<result<message_explanation>> explain_message(redis::client& redis, message_question about,
                                                  room_log_limits limits) {
  auto const place = parse_message_id(about.message_id);
  if (!place)
    co_return fail(errc::invalid_argument,
                   fmt::format("'{}' is no messageId; expected epoch:seq, like 15c643af92c5:1", about.message_id));
  auto const room = co_await find_room_of(redis, *place, about.room);
  if (!room) co_return std::unexpected(room.error());
  message_explanation out;
  out.message_id = fmt::format("{}:{}", place->epoch, place->seq);
  out.room = *room;
  auto const time = co_await read_entry(redis, out, place->seq);
  if (!time) co_return std::unexpected(time.error());
  std::vector<user_id> users;
  if (about.only) {
    users.push_back(*about.only);
  } else {
    auto all = co_await people_of(redis, out.room, about.most_recipients, &out.truncated);
    if (!all) co_return std::unexpected(all.error());
    users = std::move(*all);
  }
  auto const asked = co_await ask_standings(redis, out, std::move(users), *time, limits);
  if (!asked) co_return std::unexpected(asked.error());
  out.verdict = verdict_on(out, place->seq);
  co_return out;
}

json::object to_json(message_explanation const& m) {
  json::array recipients;
  for (auto const& r : m.recipients) {
    json::array connections;
    for (auto const& c : r.connections)
      connections.push_back(to_json(c)), connections.back().get_object()["inFlight"] = c.in_flight;
    recipients.push_back(json::object{{"userId", r.user.str()},
                                      {"outcome", to_string(r.outcome)},
                                      {"why", r.why},
                                      {"member", r.member},
                                      {"online", r.online},
                                      {"connections", std::move(connections)}});
  }
  json::object out{{"messageId", m.message_id}, {"roomId", m.room.str()}, {"verdict", m.verdict}, {"kept", m.kept}};
  if (m.kept) {
    out["senderId"] = m.sender.str();
    out["timestamp"] = m.timestamp;
    if (!m.from_connection.empty()) out["fromConnection"] = m.from_connection.str();
  }
  out["members"] = m.members;
  if (m.listeners) out["listeningInstances"] = *m.listeners;
  out["recipients"] = std::move(recipients);
  out["truncated"] = m.truncated;
  return out;
}

}  // namespace hiky::state
