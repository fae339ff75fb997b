// SPDX-License-Identifier: Apache-2.0
// Users as Redis sees them: who is online, with which connections, and everything known of one of them.
#include <fmt/format.h>

#include <algorithm>

#include "app/ctl_commands.hpp"
#include "directory/redis_directory.hpp"
#include "state/connections.hpp"
#include "state/keys.hpp"
#include "state/online_users.hpp"
#include "state/typing_users.hpp"

namespace hiky::ctl {
namespace {

namespace keys = state::keys;

// The text of member `name` when it is a string or a number, otherwise nothing: for cells, never for decisions.
std::string member(json::object const& object, std::string_view name) {
  auto const* found = object.if_contains(name);
  if (found == nullptr || found->is_structured() || found->is_null()) return {};
  return found->is_string() ? std::string{found->get_string()} : json::serialize(*found);
}

// `text` as an object. Nothing for poison, which some other program wrote.
std::optional<json::object> object_of(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  return std::move(parsed->get_object());
}

std::vector<std::string> row_of(std::string name, std::vector<std::string> values) {
  values.insert(values.begin(), std::move(name));
  return values;
}

std::vector<std::string> sorted(std::vector<std::string> texts) {
  std::ranges::sort(texts);
  return texts;
}

template <class Ids>
std::vector<std::string> texts_of(Ids const& ids) {
  std::vector<std::string> out;
  out.reserve(ids.size());
  for (auto const& id : ids) out.push_back(id.str());
  return sorted(std::move(out));
}

json::value text_or_null(std::string_view text) {
  if (text.empty()) return nullptr;
  return foreign(text);
}

}  // namespace

outcome online(session& s, bool count_only) {
  state::online_users users{s.ws};
  if (count_only) {
    auto const count = co_await users.count();
    if (!count) co_return std::unexpected(count.error());
    co_return report{.json = json::serialize(json::object{{"count", *count}}), .text = fmt::to_string(*count)};
  }
  auto const all = co_await users.all();
  if (!all) co_return std::unexpected(all.error());
  auto const names = texts_of(*all);
  report out{json::serialize(json::object{{"count", names.size()}, {"users", json_array(names)}})};
  out.head = {"USER"};
  out.when_empty = "nobody is online";
  for (auto const& name : names) out.rows.push_back({name});
  co_return out;
}

outcome clients(session& s) {
  auto const reply = co_await all_of(s.ws, batch{}.add("HGETALL", keys::clients));
  if (!reply) co_return std::unexpected(reply.error());
  auto entries = (*reply)[0].pairs();
  std::ranges::sort(entries);
  report out;
  out.head = {"USER", "CONNECTED", "LAST SEEN", "ADDRESS", "CONNECTIONS"};
  out.when_empty = "no clients";
  json::object all;
  for (auto const& [name, text] : entries) {
    auto data = object_of(text);
    if (!data) {
      out.notes.push_back(fmt::format("the entry of '{}' in {} is left out: it is no JSON object", visible(name), keys::clients));
      continue;
    }
    out.rows.push_back({name, member(*data, "connectedAt"), member(*data, "lastSeen"), member(*data, "ipAddress"), member(*data, "connections")});
    all[foreign(name)] = std::move(*data);
  }
  out.json = json::serialize(json::object{{"count", all.size()}, {"clients", std::move(all)}});
  co_return out;
}

outcome typing(session& s) {
  auto const all = co_await state::typing_users{s.ws}.all();
  if (!all) co_return std::unexpected(all.error());
  report out;
  out.head = {"USER", "ROOM"};
  out.when_empty = "nobody is typing";
  json::object users;
  for (auto const& [who, where] : *all) {
    out.rows.push_back({who.str(), where.str()});
    users[foreign(who)] = foreign(where);
  }
  out.json = json::serialize(json::object{{"typing", std::move(users)}});
  co_return out;
}

outcome user(session& s, user_id who) {
  batch asked;
  asked.add("SISMEMBER", keys::online_users, who)
      .add("HGETALL", keys::user_connections(who))
      .add("SMEMBERS", keys::user_rooms(who))
      .add("SMEMBERS", keys::member_rooms(who))
      .add("LLEN", keys::offline_messages(who))
      .add("GET", keys::offline_dropped(who))
      .add("HGET", keys::clients, who)
      .add("GET", keys::last_seen(who))
      .add("TTL", keys::banned(who));
  auto const reply = co_await all_of(s.ws, std::move(asked));
  if (!reply) co_return std::unexpected(reply.error());
  auto const types_in = co_await state::typing_users{s.ws}.get(who);
  if (!types_in) co_return std::unexpected(types_in.error());
  auto const known = co_await directory::redis_directory{s.app}.load(who);
  if (!known) co_return std::unexpected(known.error());

  bool const is_online = (*reply)[0].integer() == 1;
  auto const here = sorted((*reply)[2].strings()), belongs = sorted((*reply)[3].strings());
  auto const queued = (*reply)[4].integer(), dropped = (*reply)[5].integer();
  auto const kept_out = std::max<std::int64_t>((*reply)[8].integer(), 0);
  auto const client = object_of((*reply)[6].text()).value_or(json::object{});
  // The entry in ws:clients goes when the last connection ends; ws:last_seen takes over.
  auto const last_seen = client.empty() ? std::string{(*reply)[7].text()} : member(client, "lastSeen");
  auto const friends = texts_of(known->friends), listed = texts_of(known->rooms);

  report out;
  out.rows = {{"user", who.str()},
              row_of("username", {known->user.username}),
              row_of("name", {known->user.name}),
              row_of("image", {known->user.profile_image}),
              row_of("friends", friends),
              {"online", is_online ? "yes" : "no"},
              row_of("banned", kept_out > 0 ? std::vector{fmt::format("for {} s", kept_out)} : std::vector<std::string>{}),
              {"last seen", last_seen}};
  json::array connections;
  auto held = (*reply)[1].pairs();
  std::ranges::sort(held);
  for (auto const& [id, text] : held) {
    auto const about = object_of(text).value_or(json::object{});
    out.rows.push_back({"connection", id, member(about, "instance"), member(about, "since"), member(about, "ip"), member(about, "agent")});
    auto& one = connections.emplace_back(json::object{{"id", foreign(id)}}).get_object();
    for (auto const& field : about) one.insert(field);
  }
  out.rows.push_back(row_of("takes part in", here));
  out.rows.push_back(row_of("member of", belongs));
  out.rows.push_back(row_of("rooms in the directory", listed));
  out.rows.push_back(row_of("typing in", *types_in ? std::vector{(*types_in)->str()} : std::vector<std::string>{}));
  out.rows.push_back({"queued", fmt::to_string(queued)});
  out.rows.push_back({"dropped", fmt::to_string(dropped)});
  for (auto& row : out.rows) std::erase_if(row, [](std::string const& cell) { return cell.empty(); });

  out.json = json::serialize(json::object{{"id", foreign(who)},
                                          {"username", text_or_null(known->user.username)},
                                          {"name", text_or_null(known->user.name)},
                                          {"profileImage", text_or_null(known->user.profile_image)},
                                          {"friends", json_array(friends)},
                                          {"online", is_online},
                                          {"lastSeen", text_or_null(last_seen)},
                                          {"bannedSeconds", kept_out},
                                          {"connections", std::move(connections)},
                                          {"rooms", json_array(here)},
                                          {"memberRooms", json_array(belongs)},
                                          {"directoryRooms", json_array(listed)},
                                          {"typingIn", *types_in ? json::value(foreign(**types_in)) : json::value(nullptr)},
                                          {"queued", queued},
                                          {"dropped", dropped}});
  co_return out;
}

outcome disconnect(session& s, user_id who, std::chrono::seconds ban) {
  state::connections live{s.ws, s.database(), {}};
  auto const told = co_await live.kick(who, ban);
  if (!told) co_return std::unexpected(told.error());
  auto text = *told == 0 ? fmt::format("{} has no connection", visible(who))
                         : fmt::format("{} of {} told to end", counted(*told, "connection"), visible(who));
  if (ban.count() > 0) text += fmt::format("; no new one for {} s", ban.count());
  co_return report{.json = json::serialize(json::object{{"user", foreign(who)}, {"connections", *told}, {"bannedSeconds", ban.count()}}),
                   .text = std::move(text)};
}

outcome pardon(session& s, user_id who) {
  state::connections live{s.ws, s.database(), {}};
  auto const lifted = co_await live.pardon(who);
  if (!lifted) co_return std::unexpected(lifted.error());
  co_return report{.json = json::serialize(json::object{{"user", foreign(who)}, {"pardoned", *lifted}}),
                   .text = visible(who) + (*lifted ? " may connect again" : " was not banned")};
}

}  // namespace hiky::ctl
