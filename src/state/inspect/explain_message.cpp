// SPDX-License-Identifier: Apache-2.0
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
#include "state/inspect/explain_message.hpp"

namespace hiky::state {
namespace {

constexpr std::size_t users_at_once = 100;
constexpr std::size_t heads_at_once = 1000;

struct head {
  room_id room;
  std::string epoch;
  std::uint64_t seq = 0;
};

// Of the rooms in `names`, the one whose epoch is `epoch`.
task<result<std::optional<head>>> with_epoch(redis::client& redis, std::vector<room_id> names, std::string epoch) {
  std::optional<head> found;
  for (std::size_t begin = 0; begin < names.size() && !found; begin += heads_at_once) {
    auto const end = std::min(names.size(), begin + heads_at_once);
    redis::request ask;
    for (auto i = begin; i < end; ++i) ask.add("HMGET", keys::room_head(names[i]), "epoch", "seq");
    auto const answer = co_await redis.exec_each(std::move(ask));
    if (!answer) co_return std::unexpected(answer.error());
    for (auto i = begin; i < end && !found; ++i) {
      auto const fields = (*answer)[i - begin].items();
      if (fields.size() == 2 && fields[0].text() == epoch)
        found = head{names[i], epoch, static_cast<std::uint64_t>(fields[1].integer())};
    }
  }
  co_return found;
}

task<result<head>> find_head(redis::client& redis, message_question about, message_place place) {
  std::vector<room_id> names;
  if (about.room) {
    names.push_back(*about.room);
  } else {
    std::set<std::string> all;  // SCAN may give a key twice
    std::string cursor{"0"};
    do {
      auto const answer = co_await redis.exec(
          redis::request{"SCAN", cursor, "MATCH", std::string{keys::prefix::room_head} + "*", "COUNT", 1000});
      if (!answer) co_return std::unexpected(answer.error());
      auto const page = (*answer)[0].items();
      if (page.size() != 2)
        co_return fail(errc::unexpected_reply, "SCAN answered with something else than a cursor and keys");
      cursor = page[0].text();
      for (auto const& key : page[1].strings()) all.insert(key.substr(keys::prefix::room_head.size()));
    } while (cursor != "0");
    for (auto const& name : all) names.emplace_back(name);
  }
  auto found = co_await with_epoch(redis, std::move(names), place.epoch);
  if (!found) co_return std::unexpected(found.error());
  if (!*found && about.room) {
    co_return fail(
        errc::not_found,
        fmt::format(
            "room '{}' does not count in the epoch {} now: the message is from another room, or from before Redis "
            "lost the room's log",
            about.room->str(), place.epoch));
  }
  if (!*found) {
    co_return fail(
        errc::not_found,
        fmt::format("no room counts in the epoch {} now: the message is from before Redis lost its room's log, or from "
                    "another Redis",
                    place.epoch));
  }
  if (place.seq == 0 || (*found)->seq < place.seq) {
    co_return fail(errc::not_found, fmt::format("room '{}' has counted to {} in this epoch; there is no message {} yet",
                                                (*found)->room.str(), (*found)->seq, place.seq));
  }
  co_return std::move(**found);
}

// Fills what the room's log knows of the message. Gives its time in ms, or 0 when the log has it no more.
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
  // An ACL may keep PUBSUB from us; then we don't say.
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

// One user's entry of explain_delivery.lua's answer.
struct standing {
  std::int64_t queued = 0, place = 0, dropped = 0;
  std::string oldest_queued, last_seen;
};

std::string timestamp_in(std::string_view frame) {
  auto const text = raw_member(frame, "timestamp").value_or("");
  return text.size() > 2 && text.starts_with('"') ? std::string{text.substr(1, text.size() - 2)} : std::string{};
}

std::string plural(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string instances_of(std::vector<explained_connection const*> const& connections) {
  std::set<std::string_view> names;
  for (auto const* c : connections) names.insert(c->instance.str());
  std::string out;
  for (auto const name : names) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

void judge_live(recipient& who, std::vector<explained_connection const*> const& heard) {
  who.what = fate::routed;
  who.why = fmt::format("went to {} on {}, there since before it was said", plural(heard.size(), "connection"),
                        instances_of(heard));
  for (auto const* c : heard) {
    if (c->lease.view == lease_view::alive) continue;
    who.why += fmt::format("; {} {}, what {} has not confirmed goes to the mailbox when it is swept", c->instance.str(),
                           c->lease.view == lease_view::ended ? "has lost its lease" : "holds no lease", c->id.str());
  }
}

// What became of the message for `who`, from the surest evidence to the weakest. `time` is 0 when the log has the
// message no more.
void judge(recipient& who, standing const& s, message_explanation const& m, std::int64_t time,
           room_log_limits const& limits) {
  std::vector<explained_connection const*> heard, claims;
  for (auto const& c : who.connections) {
    if (c.in_flight) claims.push_back(&c);
    if (time > 0 && c.at_ms > 0 && c.at_ms <= time) heard.push_back(&c);
  }
  auto const set = [&](fate what, std::string why) { who.what = what, who.why = std::move(why); };
  if (s.place > 0) {
    return set(fate::queued, fmt::format("waits in the mailbox, {} of {}: {}", s.place, s.queued,
                                         who.online ? "the connections there have not fetched it yet"
                                                    : "away when it was said, or gone without having confirmed it"));
  }
  if (!claims.empty()) {
    return set(
        fate::claimed,
        fmt::format("was taken from the mailbox for connection {} on {}, and not confirmed yet (a pong, or offlineAck)",
                    claims.front()->id.str(), claims.front()->instance.str()));
  }
  if (m.kept && who.user == m.sender) {
    auto const others = std::ranges::count_if(heard, [&](auto const* c) { return c->id != m.from_connection; });
    return set(fate::sent,
               m.from_connection.empty()
                   ? "sent it, by the API or a tool"
                   : fmt::format("sent it by connection {}, which gets no copy; {} got one", m.from_connection.str(),
                                 plural(static_cast<std::size_t>(others), "other connection")));
  }
  if (!m.kept)
    return set(fate::unknown,
               "the room's log has it no more, and the mailbox does not hold it: when it was said is not known");
  if (!heard.empty()) return judge_live(who, heard);
  // Whoever was away then has it in the mailbox or has confirmed it; unless it never got there, or had to make room.
  bool const pushed_out = s.dropped > 0 && (s.oldest_queued.empty() || s.oldest_queued > m.timestamp);
  if (pushed_out && s.queued > 0)
    return set(fate::dropped,
               fmt::format("the mailbox was full: the newest {} remain, {} had to make room", s.queued, s.dropped));
  if (!who.connections.empty()) {
    return set(fate::acknowledged,
               "no connection of now was there when it was said; it came by mail and was confirmed, or an earlier "
               "connection had it");
  }
  if (s.last_seen >= m.timestamp)
    return set(fate::acknowledged, fmt::format("had a connection until {}, which had it or confirmed it", s.last_seen));
  if (m.members > static_cast<std::int64_t>(limits.max_mailbox_room)) {
    return set(fate::not_queued, fmt::format("was away; the room has more than {} members and fills no mailboxes",
                                             limits.max_mailbox_room));
  }
  set(fate::not_queued,
      "was away, and the mailbox does not hold it: became a member later, or the mailbox was cleared");
}

task<result<void>> ask_standings(redis::client& redis, message_explanation& into, std::vector<user_id> users,
                                 std::int64_t time, room_log_limits limits) {
  static redis::script const script{scripts::explain_delivery_lua};
  std::string const used_keys[]{keys::room_members(into.room), keys::room_participants(into.room),
                                std::string{keys::online_users}, std::string{keys::instances}};
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
      auto const e = entries[i].items();
      if (e.size() != 10)
        co_return fail(errc::unexpected_reply, "explain_delivery.lua returned something else than its table says");
      recipient who;
      who.user = user_id{e[0].text()};
      who.member = e[1].integer() == 1 || e[2].integer() == 1;
      who.online = e[3].integer() == 1;
      for (auto const& each : e[9].items()) {
        auto const c = each.items();
        if (c.size() != 4) continue;
        who.connections.push_back(read_connection(c[0].text(), c[1].text(), c[2], entries[0].integer()));
        who.connections.back().in_flight = c[3].integer() == 1;
      }
      judge(who, {e[4].integer(), e[5].integer(), e[7].integer(), timestamp_in(e[6].text()), std::string{e[8].text()}},
            into, time, limits);
      if (!who.member) who.why += "; is not in the room now";
      into.recipients.push_back(std::move(who));
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
    auto const count = std::ranges::count(m.recipients, f, &recipient::what);
    if (count > 0 && f != fate::sent)
      counts += fmt::format("{} {} for {}", counts.empty() ? ":" : ",", to_string(f), count);
  }
  return out + counts;
}

}  // namespace

std::string_view to_string(fate f) {
  switch (f) {
    case fate::sent: return "sent";
    case fate::routed: return "routed";
    case fate::queued: return "queued";
    case fate::claimed: return "claimed";
    case fate::acknowledged: return "acknowledged";
    case fate::dropped: return "dropped";
    case fate::not_queued: return "not queued";
    case fate::unknown: return "unknown";
  }
  return "unknown";
}

task<result<message_explanation>> explain_message(redis::client& redis, message_question about,
                                                  room_log_limits limits) {
  auto const place = parse_message_id(about.message_id);
  if (!place)
    co_return fail(errc::invalid_argument,
                   fmt::format("'{}' is no messageId; expected epoch:seq, like 15c643af92c5:1", about.message_id));
  auto const where = co_await find_head(redis, about, *place);
  if (!where) co_return std::unexpected(where.error());
  message_explanation out;
  out.message_id = fmt::format("{}:{}", place->epoch, place->seq);
  out.room = where->room;
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
                                      {"outcome", to_string(r.what)},
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
