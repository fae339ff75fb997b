// SPDX-License-Identifier: Apache-2.0
// Looks at who is here and where: instances, users with their connections, and pairs of user and room.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/json.hpp"
#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/ask.hpp"
#include "state/chat/connections.hpp"
#include "state/chat/keys.hpp"
#include "state/chat/leases.hpp"
#include "state/inspect/examine.hpp"

namespace hiky::state {
namespace {

using namespace std::chrono_literals;
namespace prefix = keys::prefix;

constexpr std::int64_t sweep_patience_ms = 5'000;  // living instances look for ended leases every second
constexpr std::int64_t doubted_ms = 51'000;  // before its lease's end: what a dead instance may not have delivered
constexpr auto at_once = 1ms;  // not 0: friends are told by whoever takes the announcement

// Ends a connection as its instance would have. What its user may not have received goes to the mailbox.
task<result<void>> end_connection(redis::client& redis, connection_id connection, instance_id instance, user_id user,
                                  std::int64_t since_ms) {
  connections all{redis, redis.where().database, at_once};
  auto const left = co_await all.remove(std::move(connection), std::move(instance), std::move(user), {since_ms, {}});
  if (!left) co_return std::unexpected(left.error());
  co_return result<void>{};
}

// Since when a connection of an instance that nobody knows has heard its rooms: nothing says when the instance died.
std::int64_t began_at(std::string_view text) {
  auto const parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) return 0;
  auto const* at = parsed->get_object().if_contains("at");
  return at != nullptr && at->is_int64() ? at->get_int64() : 0;
}

// With the claim in place the instance, should it live after all, asserts its connections again afterwards.
task<result<void>> sweep(redis::client& redis, instance_id dead, std::vector<std::pair<connection_id, user_id>> held,
                         std::optional<std::int64_t> lease_end) {
  leases all{redis};
  for (std::size_t i = 0; i < held.size(); ++i) {
    if (i % 200 == 0) {
      if (auto const claimed = co_await all.take(dead, 15s, true); !claimed) co_return std::unexpected(claimed.error());
    }
    auto const& [connection, user] = held[i];
    auto const about = co_await redis.exec(redis::request{"HGET", keys::user_connections(user), connection});
    if (!about) co_return std::unexpected(about.error());
    auto const since = lease_end ? *lease_end - doubted_ms : began_at((*about)[0].text());
    if (auto const ended = co_await end_connection(redis, connection, dead, user, since); !ended) co_return ended;
  }
  co_return co_await all.forget(dead);
}

struct instance_state {
  std::int64_t now = 0;
  std::optional<std::int64_t> lease_end;
  bool being_swept = false;
  std::vector<std::pair<connection_id, user_id>> held;
};

task<result<instance_state>> state_of(redis::client& redis, instance_id id) {
  redis::request ask{"TIME"};
  ask.add("ZSCORE", keys::instances, id).add("ZSCORE", keys::sweeps, id).add("HGETALL", keys::instance_connections(id));
  auto const answer = co_await redis.exec_each(std::move(ask));
  if (!answer) co_return std::unexpected(answer.error());
  instance_state out;
  auto const time = (*answer)[0].items();
  if (time.size() == 2) out.now = time[0].integer() * 1000 + time[1].integer() / 1000;
  auto const score = [&](std::size_t i) -> std::optional<std::int64_t> {
    auto const v = (*answer)[i];
    if (v.is_error() || v.is_null()) return std::nullopt;
    return v.integer();
  };
  out.lease_end = score(1);
  out.being_swept = score(2).value_or(0) >= out.now;
  for (auto& [connection, user] : (*answer)[3].pairs())
    out.held.emplace_back(connection_id{std::move(connection)}, user_id{std::move(user)});
  co_return out;
}

std::string some_users(std::vector<std::pair<connection_id, user_id>> const& held) {
  std::set<std::string> users;
  for (auto const& [connection, user] : held) users.insert(user.str());
  std::string out;
  std::size_t named = 0;
  for (auto const& user : users) {
    if (named++ == 5) return out + ", …";
    out.append(out.empty() ? "" : ", ").append(user);
  }
  return out;
}

// Connections that an instance lists and their users do not have.
task<result<std::vector<seen>>> listed_in_vain(redis::client& redis, subject instance,
                                               std::vector<std::pair<connection_id, user_id>> held, bool repair) {
  static redis::script const script{scripts::fsck_listed_lua};
  auto const key = keys::instance_connections(instance_id{instance.name});
  std::vector<seen> out;
  for (std::size_t begin = 0; begin < held.size(); begin += 500) {
    auto const end = std::min(held.size(), begin + 500);
    auto call = script.call(std::span{&key, 1}, 2 + end - begin);
    call.arg(repair ? "repair" : "").arg(prefix::user_connections);
    for (auto i = begin; i < end; ++i) call.arg(held[i].first);
    auto const answer = co_await script.run(redis, std::move(call));
    if (!answer) co_return std::unexpected(in_context(answer.error(), "fsck_listed.lua", key));
    for (auto const& each : (*answer)[0].items()) {
      auto const entry = each.strings();
      if (entry.size() != 2) continue;
      auto const &connection = entry[0], &user = entry[1];
      out.push_back(
          {instance,
           {"listed_in_vain", key, fmt::format("lists connection {} of {}, who does not have it", connection, user),
            fmt::format("it is in {} too", keys::user_connections(user_id{user})),
            repair ? "removed it from the list" : ""}});
    }
  }
  co_return out;
}

struct words {
  std::string_view kind, key, found, expected, repaired;  // {0} is the user, {1} the room
};

constexpr std::array pair_words{
    words{"member_without_room", "ws:member_rooms:{0}", "{0} is a member of {1}, but their list of rooms lacks it",
          "both sets name each other", "added {1} to the list"},
    words{"room_without_member", "ws:room_members:{1}",
          "{0}'s list of rooms has {1}, but the room does not count them as a member", "both sets name each other",
          "made them a member"},
    words{"participant_without_connection", "ws:room_participants:{1}", "{0} takes part in {1} without a connection",
          "only who has a connection takes part; the others' messages are queued", "removed from the participants"},
    words{"rooms_without_connection", "ws:user_rooms:{0}",
          "{0} has no connection, but {1} is among the rooms they are in now", "the list goes with the last connection",
          "removed {1}"},
    words{"absence_not_counted", "ws:room_absent:{1}", "{0}, a member of {1}, is away and not counted as absent",
          "members without a connection are counted, so that messages are queued for them without comparing sets",
          "counted as absent"},
    words{"member_takes_no_part", "ws:room_participants:{1}",
          "{0}, a member of {1}, has a connection and takes no part", "members with a connection take part",
          "takes part, and the user's instances have been told"},
    words{"half_joined", "ws:user_rooms:{0}", "{0} is in {1} by one of user_rooms and room_participants only",
          "both or none", "user_rooms follows room_participants"},
    words{"absent_but_here", "ws:room_absent:{1}", "{0} is counted as absent from {1}, but has a connection",
          "only members without a connection are", "not counted any more"},
    words{"joined_without_part", "ws:joined_room_participants:{1}", "{0} has {1} open without taking part in it",
          "who has it open takes part", "removed"},
    words{"absent_without_membership", "ws:room_absent:{1}", "{0} is counted as absent from {1}, but is no member",
          "only members are counted", "not counted any more"},
};

constexpr std::array user_words{
    words{"connection_of_nobody", "ws:user_connections:{0}",
          "connection {1} of {0} is no JSON of ours and names no instance",
          "each connection names its instance, which ends it", "ended it"},
    words{"connection_of_unknown_instance", "ws:user_connections:{0}",
          "connection {1} of {0} is on an instance without a lease, which does not list it",
          "instances with connections hold a lease in ws:instances", "ended it"},
    words{"connection_of_dead_instance", "ws:user_connections:{0}",
          "connection {1} of {0} is on an instance whose lease has ended, which does not list it",
          "living instances end what a dead one held", "ended it"},
    words{"connection_not_listed", "ws:user_connections:{0}", "connection {1} of {0} is not listed by its instance",
          "it is listed, or nobody ends it if the instance dies", "listed it"},
    words{"ghost", "ws:online_users", "{0} counts as online without a connection", "who is online has a connection",
          "removed; the others will be told"},
    words{"client_without_connection", "ws:clients", "{0} has an entry without a connection",
          "the entry goes with the last connection", "removed the entry"},
    words{"connected_but_not_online", "ws:online_users", "{0} has a connection and does not count as online",
          "who has a connection is online", "added"},
    words{"client_missing", "ws:clients", "{0} has a connection, but no readable entry",
          "a JSON object about the newest connection", "written anew from the connection"},
    words{"client_miscounted", "ws:clients", "the entry of {0} has another number of connections than there are",
          "`connections` counts them", "counted anew"},
};

template <std::size_t N>
finding told(std::array<words, N> const& all, std::string_view kind, std::string_view first, std::string_view second,
             bool repaired) {
  auto const* const found = std::ranges::find(all, kind, &words::kind);
  if (found == all.end()) return {std::string{kind}, "", std::string{first}, "", ""};
  auto const filled = [&](std::string_view text) { return fmt::format(fmt::runtime(text), first, second); };
  return {std::string{kind}, filled(found->key), filled(found->found), filled(found->expected),
          repaired ? filled(found->repaired) : ""};
}

}  // namespace

task<result<std::vector<seen>>> examine_instances(redis::client& redis, std::vector<subject> subjects, mending how) {
  std::vector<seen> out;
  for (auto const& s : subjects) {
    instance_id const id{s.name};
    auto const state = co_await state_of(redis, id);
    if (!state) co_return std::unexpected(state.error());
    if (state->being_swept) continue;
    bool const dead = state->lease_end && *state->lease_end < state->now - sweep_patience_ms;
    if (!dead && (state->lease_end || state->held.empty())) {
      auto vain = co_await listed_in_vain(redis, s, state->held, how.repair);
      if (!vain) co_return std::unexpected(vain.error());
      std::ranges::move(*vain, std::back_inserter(out));
      continue;
    }
    auto const holds = state->held.empty()
                           ? std::string{"holds nothing"}
                           : fmt::format("holds {} connections, of {}", state->held.size(), some_users(state->held));
    out.push_back(
        {s,
         {dead ? "dead_instance" : "unknown_instance",
          dead ? std::string{keys::instances} : keys::instance_connections(id),
          dead ? fmt::format("the lease of {} ended {} s ago; it {}", s.name, (state->now - *state->lease_end) / 1000,
                             holds)
               : fmt::format("{} has no lease; it {}", s.name, holds),
          dead ? "a living instance sweeps a dead one within seconds" : "an instance with connections holds a lease",
          ""}});
    if (!how.repair) continue;
    auto const swept = co_await sweep(redis, id, state->held, state->lease_end);
    if (!swept) co_return std::unexpected(swept.error());
    out.back().found.repaired = "ended its connections and forgot it";
  }
  co_return out;
}

task<result<std::vector<seen>>> examine_users(redis::client& redis, std::vector<subject> subjects, mending how) {
  static redis::script const script{scripts::fsck_users_lua};
  std::string const used_keys[]{std::string{keys::online_users}, std::string{keys::clients},
                                std::string{keys::instances}, std::string{keys::sweeps},
                                std::string{keys::pending_offline}};
  auto call = script.call(used_keys, 4 + subjects.size());
  call.arg(how.repair ? "repair" : "")
      .arg(prefix::user_connections)
      .arg(prefix::instance_connections)
      .arg(sweep_patience_ms);
  for (auto const& s : subjects) call.arg(s.name);
  auto const answer = co_await script.run(redis, std::move(call));
  if (!answer) co_return std::unexpected(in_context(answer.error(), "fsck_users.lua", keys::online_users));
  std::vector<seen> out;
  for (auto const& each : (*answer)[0].items()) {
    auto const part = each.items();
    if (part.size() != 6)
      co_return fail(errc::unexpected_reply, "fsck_users.lua returned something else than its table says");
    auto const kind = part[1].text();
    user_id const user{part[0].text()};
    out.push_back({{look::user, user.str()}, told(user_words, kind, user, part[2].text(), how.repair)});
    bool const to_end = kind == "connection_of_nobody" || kind == "connection_of_unknown_instance" ||
                        kind == "connection_of_dead_instance";
    if (!how.repair || !to_end) continue;
    auto const since = part[4].text().empty() ? part[5].integer() : part[4].integer() - doubted_ms;
    auto const ended =
        co_await end_connection(redis, connection_id{part[2].text()}, instance_id{part[3].text()}, user, since);
    if (!ended) co_return std::unexpected(ended.error());
  }
  co_return out;
}

task<result<std::vector<seen>>> examine_pairs(redis::client& redis, std::vector<subject> subjects, mending how) {
  static redis::script const script{scripts::fsck_pairs_lua};
  auto call = script.call({}, 10 + 2 * subjects.size());
  call.arg(how.repair ? "repair" : "")
      .arg(prefix::user_connections)
      .arg(prefix::room_members)
      .arg(prefix::member_rooms);
  call.arg(prefix::room_participants)
      .arg(prefix::user_rooms)
      .arg(prefix::joined_room_participants)
      .arg(prefix::room_absent);
  call.arg(keys::instance_channels(redis.where().database)).arg(prefix::room_head);
  for (auto const& s : subjects) call.arg(s.name).arg(s.other);
  auto const answer = co_await script.run(redis, std::move(call));
  if (!answer) co_return std::unexpected(in_context(answer.error(), "fsck_pairs.lua", ""));
  std::vector<seen> out;
  for (auto const& each : (*answer)[0].items()) {
    auto const part = each.items();
    if (part.size() != 3)
      co_return fail(errc::unexpected_reply, "fsck_pairs.lua returned something else than its table says");
    out.push_back({{look::pair, std::string{part[0].text()}, std::string{part[1].text()}},
                   told(pair_words, part[2].text(), part[0].text(), part[1].text(), how.repair)});
  }
  co_return out;
}

task<result<std::vector<seen>>> examine(redis::client& redis, std::vector<subject> subjects, mending how) {
  if (subjects.empty()) co_return std::vector<seen>{};
  switch (subjects.front().by) {
    case look::key: co_return co_await examine_keys(redis, std::move(subjects), how);
    case look::user: co_return co_await examine_users(redis, std::move(subjects), how);
    case look::pair: co_return co_await examine_pairs(redis, std::move(subjects), how);
    case look::instance: co_return co_await examine_instances(redis, std::move(subjects), how);
    case look::typing: co_return co_await examine_typing(redis, std::move(subjects), how);
    case look::mailbox: co_return co_await examine_mailboxes(redis, std::move(subjects), how);
    case look::inflight: co_return co_await examine_inflight(redis, std::move(subjects), how);
    case look::room: co_return co_await examine_rooms(redis, std::move(subjects), how);
  }
  co_return std::vector<seen>{};
}

}  // namespace hiky::state
