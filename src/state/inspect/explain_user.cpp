// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/explain_user.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/json.hpp"
#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/ask.hpp"
#include "state/chat/keys.hpp"

namespace hiky::state {
namespace {

std::string timestamp_of(std::string_view frame) {
  auto const parsed = parse_json(frame);
  if (!parsed || !parsed->is_object()) return {};
  auto const* time = parsed->get_object().if_contains("timestamp");
  return time != nullptr && time->is_string() ? std::string{time->get_string()} : std::string{};
}

std::string seconds(std::int64_t ms) { return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000.0); }

std::string verdict_on(user_explanation const& e) {
  if (!e.connections.empty()) {
    std::set<std::string_view> instances;
    for (auto const& c : e.connections) instances.insert(c.instance.str());
    auto out =
        fmt::format("online with {} connection{} on", e.connections.size(), e.connections.size() == 1 ? "" : "s");
    for (bool first = true; auto const instance : instances) {
      out.append(first ? " " : ", ").append(instance.empty() ? "?" : instance);
      first = false;
    }
    return out;
  }
  if (e.online) return "taken for online, but without a connection";
  std::string out{"offline"};
  if (!e.last_seen.empty()) out += " since " + e.last_seen;
  else out += ", and never seen";
  if (e.announced_in_ms)
    out += *e.announced_in_ms > 0 ? fmt::format("; the others hear it in {}", seconds(*e.announced_in_ms))
                                  : "; the others are about to hear it";
  return out;
}

// Contradictions in the picture: states that must never be, once everybody's scripts have run.
std::vector<std::string> problems_of(user_explanation const& e, std::set<std::string> const& not_listed,
                                     bool has_client) {
  std::vector<std::string> out;
  if (e.online && e.connections.empty()) out.emplace_back("is in ws:online_users without a connection: a ghost");
  if (!e.online && !e.connections.empty()) out.emplace_back("has connections, but is not in ws:online_users");
  if (e.connections.empty() && has_client) out.emplace_back("has an entry in ws:clients without a connection");
  for (auto const& c : e.connections) {
    if (c.instance.empty())
      out.push_back(fmt::format("connection {} names no instance: its entry is no JSON of ours", c.id.str()));
    else if (c.lease.view == lease_view::none) {
      out.push_back(fmt::format("connection {}: instance {} holds no lease, so nobody will ever end this connection",
                                c.id.str(), c.instance.str()));
    } else if (c.lease.view == lease_view::ended) {
      out.push_back(fmt::format(
          "connection {}: the lease of {} ended {} ago; {}", c.id.str(), c.instance.str(), seconds(-c.lease.left_ms),
          c.being_swept ? "another instance is ending its connections" : "a living instance will end its connections"));
    } else if (not_listed.contains(c.id.str())) {
      out.push_back(fmt::format("connection {} is not listed by its instance {}: if that dies, nobody ends it",
                                c.id.str(), c.instance.str()));
    }
  }
  for (auto const& r : e.rooms) {
    if (!e.connections.empty() && r.member && !r.participant) {
      out.push_back(fmt::format(
          "is a member of {} and online, but takes no part in it: messages are queued instead of sent", r.room.str()));
    }
    if (e.connections.empty() && r.participant)
      out.push_back(fmt::format("takes part in {} without a connection", r.room.str()));
    if (e.connections.empty() && r.member && !r.absent) {
      out.push_back(fmt::format("is a member of {} and away, but not counted as absent there", r.room.str()));
    }
  }
  return out;
}

}  // namespace

task<result<user_explanation>> explain_user(redis::client& redis, user_id user) {
  static redis::script const script{scripts::explain_user_lua};
  std::string const used_keys[]{
      keys::user_connections(user),    std::string{keys::online_users}, std::string{keys::clients},
      keys::user_rooms(user),          keys::member_rooms(user),        keys::offline_messages(user),
      keys::offline_dropped(user),     keys::last_seen(user),           std::string{keys::pending_offline},
      std::string{keys::typing_users}, keys::typing_user(user),         std::string{keys::instances},
      std::string{keys::sweeps}};
  auto call = script.call(used_keys, 7);
  call.arg(user).arg(keys::prefix::instance_connections).arg(keys::offline_inflight(user, connection_id{}));
  call.arg(keys::prefix::room_participants).arg(keys::prefix::joined_room_participants).arg(keys::prefix::room_members);
  call.arg(keys::prefix::room_absent);
  auto const answer = co_await script.run(redis, std::move(call));
  if (!answer) co_return std::unexpected(in_context(answer.error(), "explain_user.lua", user));
  auto const parts = (*answer)[0].items();
  auto const about = parts.size() == 3 ? parts[0].items() : std::vector<redis::value>{};
  if (about.size() != 11)
    co_return fail(errc::unexpected_reply, "explain_user.lua returned something else than its table says");

  auto const now = about[0].integer();
  user_explanation out;
  out.user = user;
  out.online = about[1].integer() == 1;
  out.last_seen = about[3].text();
  if (!about[4].text().empty()) out.announced_in_ms = about[4].integer() - now;
  // A mark whose key has expired is dead, though the hash has it.
  if (!about[5].text().empty() && about[6].integer() > 0) out.typing_in = room_id{about[5].text()};
  out.queued = about[7].integer();
  out.newest_queued = timestamp_of(about[8].text());
  out.oldest_queued = timestamp_of(about[9].text());
  out.dropped = about[10].integer();
  std::set<std::string> not_listed;
  for (auto const& each : parts[1].items()) {
    auto const c = each.items();
    if (c.size() != 6) continue;
    auto read = read_connection(c[0].text(), c[1].text(), c[2], now);
    read.being_swept = c[3].integer() == 1;
    read.mail_in_flight = c[5].integer();
    if (c[4].integer() == 0) not_listed.insert(read.id.str());
    out.connections.push_back(std::move(read));
  }
  for (auto const& each : parts[2].items()) {
    auto const r = each.items();
    if (r.size() != 5) continue;
    out.rooms.push_back(
        {room_id{r[0].text()}, r[1].integer() == 1, r[2].integer() == 1, r[3].integer() == 1, r[4].integer() == 1});
  }
  std::ranges::sort(out.connections, {}, &explained_connection::id);
  std::ranges::sort(out.rooms, {}, &explained_room::room);
  out.verdict = verdict_on(out);
  out.problems = problems_of(out, not_listed, !about[2].text().empty());
  co_return out;
}

json::object to_json(user_explanation const& e) {
  json::array connections, rooms, problems;
  for (auto const& c : e.connections)
    connections.push_back(to_json(c)), connections.back().get_object()["mailInFlight"] = c.mail_in_flight;
  for (auto const& r : e.rooms) {
    rooms.push_back(json::object{{"roomId", r.room.str()},
                                 {"member", r.member},
                                 {"participant", r.participant},
                                 {"joined", r.joined},
                                 {"absent", r.absent}});
  }
  for (auto const& p : e.problems) problems.emplace_back(p);
  json::object mail{{"queued", e.queued}, {"dropped", e.dropped}};
  if (e.queued > 0) mail["oldest"] = e.oldest_queued, mail["newest"] = e.newest_queued;
  json::object out{{"userId", e.user.str()},
                   {"verdict", e.verdict},
                   {"online", e.online},
                   {"connections", std::move(connections)},
                   {"rooms", std::move(rooms)},
                   {"mail", std::move(mail)},
                   {"problems", std::move(problems)}};
  if (!e.last_seen.empty()) out["lastSeen"] = e.last_seen;
  if (e.announced_in_ms) out["announcedInMs"] = *e.announced_in_ms;
  if (e.typing_in) out["typingIn"] = e.typing_in->str();
  return out;
}

}  // namespace hiky::state
