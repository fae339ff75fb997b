// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/totals.hpp"

#include <set>
#include <string_view>

#include "state/chat/keys.hpp"
#include "state/inspect/batch.hpp"

namespace hiky::state {
namespace {

namespace prefix = keys::prefix;

struct summed {
  std::int64_t keys = 0, entries = 0;
};

task<result<summed>> sum(redis::client& redis, std::string_view command, std::vector<std::string> keys, totals& t) {
  auto const found = co_await sizes(redis, command, keys);
  if (!found) co_return std::unexpected(found.error());
  summed out;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if ((*found)[i] < 0) t.unreadable.push_back(keys[i]);
    else if ((*found)[i] > 0) ++out.keys, out.entries += (*found)[i];
  }
  co_return out;
}

}  // namespace

task<result<activity>> read_activity(redis::client& redis) {
  batch asked;
  asked.add("SCARD", keys::online_users)
      .add("HLEN", keys::typing_users)
      .add("ZCARD", keys::pending_offline)
      .add("INFO", "default");
  auto const reply = co_await all_of(redis, std::move(asked));
  if (!reply) co_return std::unexpected(reply.error());
  auto const& r = *reply;
  co_return activity{r[0].integer(), r[1].integer(), r[2].integer(), std::string{r[3].text()}};
}

task<result<totals>> count_all(redis::client& redis) {
  auto const all = co_await scan(redis, std::string{keys::pattern});
  if (!all) co_return std::unexpected(all.error());
  std::set<std::string_view> room_names;
  std::vector<std::string> queues, holders;
  for (std::string_view const key : *all) {
    if (key.starts_with(prefix::room_participants)) room_names.insert(key.substr(prefix::room_participants.size()));
    else if (key.starts_with(prefix::room_members)) room_names.insert(key.substr(prefix::room_members.size()));
    else if (key.starts_with(prefix::offline_messages)) queues.emplace_back(key);
    else if (key.starts_with(prefix::instance_connections)) holders.emplace_back(key);
  }
  totals out;
  out.rooms = static_cast<std::int64_t>(room_names.size());
  auto const queued = co_await sum(redis, "LLEN", std::move(queues), out);
  if (!queued) co_return std::unexpected(queued.error());
  auto const held = co_await sum(redis, "HLEN", std::move(holders), out);
  if (!held) co_return std::unexpected(held.error());
  out.queues = queued->keys;
  out.queued = queued->entries;
  out.instances = held->keys;
  out.connections = held->entries;
  co_return out;
}

}  // namespace hiky::state
