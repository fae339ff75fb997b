// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <span>

#include "base/json.hpp"
#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/ask.hpp"
#include "state/chat/keys.hpp"
#include "state/chat/leases.hpp"
#include "state/inspect/examine.hpp"
#include "state/inspect/mends.hpp"

namespace hiky::state {
namespace {

using namespace std::chrono_literals;

// Since when a connection of an unknown instance has heard its rooms: nothing says when the instance died.
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
task<result<std::vector<observation>>> listed_in_vain(redis::client& redis, subject instance,
                                                      std::vector<std::pair<connection_id, user_id>> held,
                                                      bool repair) {
  static redis::script const script{scripts::fsck_listed_lua};
  auto const key = keys::instance_connections(instance_id{instance.name});
  std::vector<observation> out;
  for (std::size_t begin = 0; begin < held.size(); begin += 500) {
    auto const end = std::min(held.size(), begin + 500);
    auto call = script.call(std::span{&key, 1}, 2 + end - begin);
    call.arg(repair ? "repair" : "").arg(keys::prefix::user_connections);
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

}  // namespace

task<result<std::vector<observation>>> examine_instances(redis::client& redis, std::vector<subject> subjects,
                                                         mending how) {
  std::vector<observation> out;
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

}  // namespace hiky::state
