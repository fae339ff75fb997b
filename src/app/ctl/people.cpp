// SPDX-License-Identifier: Apache-2.0
// Users as Redis sees them: who is online, with which connections, and everything known of one of them.
#include <fmt/format.h>

#include <algorithm>

#include "app/ctl/cells.hpp"
#include "app/ctl/commands.hpp"
#include "app/ctl/findings.hpp"
#include "directory/redis_directory.hpp"
#include "state/chat/connections.hpp"
#include "state/document/online_users.hpp"
#include "state/document/typing_users.hpp"
#include "state/inspect/user_details.hpp"

namespace hiky::ctl {
namespace {

// `text` as an object. Nothing for poison, which some other program wrote.
std::optional<json::object> object_of(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  return std::move(parsed->get_object());
}

template <class Ids>
std::vector<std::string> texts_of(Ids const& ids) {
  std::vector<std::string> out;
  out.reserve(ids.size());
  for (auto const& id : ids) out.push_back(id.str());
  std::ranges::sort(out);
  return out;
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
  auto const stored = co_await state::list_clients(s.ws);
  if (!stored) co_return std::unexpected(stored.error());
  std::vector<std::pair<std::string, json::object>> readable;
  std::vector<std::string> notes;
  for (auto const& [name, text] : stored->clients) {
    if (auto data = object_of(text)) readable.emplace_back(name, std::move(*data));
    else
      notes.push_back(
          fmt::format("the entry of '{}' in {} is left out: it is no JSON object", visible(name), stored->key));
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
  auto const seen = co_await state::describe(s.ws, who);
  if (!seen) co_return std::unexpected(seen.error());
  auto const known = co_await directory::redis_directory{s.app}.load(who);
  if (!known) co_return std::unexpected(known.error());

  auto const client = object_of(seen->client).value_or(json::object{});
  // The entry in ws:clients goes when the last connection ends; ws:last_seen takes over.
  auto const last_seen = client.empty() ? seen->last_seen : member(client, "lastSeen");
  json::array connections;
  for (auto const& [id, text] : seen->connections) {
    auto const about = object_of(text).value_or(json::object{});
    auto& one = connections.emplace_back(json::object{{"id", foreign(id)}}).get_object();
    for (auto const& field : about) one.insert(field);
  }
  co_return user_report({{"id", foreign(who)},
                         {"username", foreign(known->user.username)},
                         {"name", foreign(known->user.name)},
                         {"profileImage", foreign(known->user.profile_image)},
                         {"friends", json_array(texts_of(known->friends))},
                         {"online", seen->online},
                         {"lastSeen", text_or_null(last_seen)},
                         {"bannedSeconds", seen->banned_s},
                         {"connections", std::move(connections)},
                         {"rooms", json_array(seen->rooms)},
                         {"memberRooms", json_array(seen->member_rooms)},
                         {"directoryRooms", json_array(texts_of(known->rooms))},
                         {"typingIn", seen->typing_in ? json::value(foreign(*seen->typing_in)) : json::value(nullptr)},
                         {"queued", seen->queued},
                         {"dropped", seen->dropped}});
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
