// SPDX-License-Identifier: Apache-2.0
// Users as Redis sees them: who is online, with which connections, and everything known of one of them.
#include <fmt/format.h>

#include <algorithm>

#include "app/ctl/commands.hpp"
#include "app/ctl/findings.hpp"
#include "directory/redis_directory.hpp"
#include "state/chat/connections.hpp"
#include "state/chat/keys.hpp"
#include "state/document/online_users.hpp"
#include "state/document/typing_users.hpp"

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
    co_return online_count_report(*count);
  }
  auto const all = co_await users.all();
  if (!all) co_return std::unexpected(all.error());
  co_return online_report(texts_of(*all));
}

outcome clients(session& s) {
  auto const reply = co_await all_of(s.ws, batch{}.add("HGETALL", keys::clients));
  if (!reply) co_return std::unexpected(reply.error());
  auto entries = (*reply)[0].pairs();
  std::ranges::sort(entries);
  std::vector<std::pair<std::string, json::object>> readable;
  std::vector<std::string> notes;
  for (auto const& [name, text] : entries) {
    if (auto data = object_of(text)) readable.emplace_back(name, std::move(*data));
    else
      notes.push_back(
          fmt::format("the entry of '{}' in {} is left out: it is no JSON object", visible(name), keys::clients));
  }
  auto out = clients_report(std::move(readable));
  out.notes = std::move(notes);
  co_return out;
}

outcome typing(session& s) {
  auto const all = co_await state::typing_users{s.ws}.all();
  if (!all) co_return std::unexpected(all.error());
  std::vector<std::pair<std::string, std::string>> marks;
  for (auto const& [who, where] : *all) marks.emplace_back(who.str(), where.str());
  co_return typing_report(marks);
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

  json::array connections;
  auto held = (*reply)[1].pairs();
  std::ranges::sort(held);
  for (auto const& [id, text] : held) {
    auto const about = object_of(text).value_or(json::object{});
    auto& one = connections.emplace_back(json::object{{"id", foreign(id)}}).get_object();
    for (auto const& field : about) one.insert(field);
  }
  co_return user_report({{"id", foreign(who)},
                         {"username", foreign(known->user.username)},
                         {"name", foreign(known->user.name)},
                         {"profileImage", foreign(known->user.profile_image)},
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
}

outcome disconnect(session& s, user_id who, std::chrono::seconds ban) {
  state::connections live{s.ws, s.database(), {}};
  auto const told = co_await live.kick(who, ban);
  if (!told) co_return std::unexpected(told.error());
  co_return disconnected_report(who, *told, ban.count());
}

outcome pardon(session& s, user_id who) {
  state::connections live{s.ws, s.database(), {}};
  auto const lifted = co_await live.pardon(who);
  if (!lifted) co_return std::unexpected(lifted.error());
  co_return pardoned_report(who, *lifted);
}

}  // namespace hiky::ctl
