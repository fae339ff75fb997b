// SPDX-License-Identifier: Apache-2.0
// The connections that Redis lists for an instance, compared with those of the instance: only a connection that the
// instance does not have is undone.
#include "chat/upkeep/connection_audit.hpp"

#include <fmt/format.h>

#include <set>

#include "state/chat/store.hpp"
#include "support/with_redis.hpp"

namespace {

using namespace hiky;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class connection_audit : public support::with_redis {
 protected:
  chat::connection_audit worker(chat::connection_names names, chat::connection_audit::effects more = {}) {
    chat::connection_audit::effects on{
        .holds = [this](connection_id const& c, user_id const&) { return held.contains(c.str()); },
        .undo = [this](connection_id c, user_id u, std::int64_t since) -> task<> {
          undone.push_back(c.str());
          since_ms = since;
          ok_now(co_await store.connections.remove(std::move(c), here, std::move(u), {since, {}}));
        },
        .listed = std::move(more.listed)};
    return {events.executor(), store.lists, here, std::move(names), 15s, 36s, std::move(on)};
  }
  static void ok_now(result<std::int64_t> const& r) { EXPECT_TRUE(r) << (r ? "" : r.error().text); }
  // A connection as a failover brings it back: in Redis, and not here unless it is held.
  void listed(std::string const& connection, std::string const& user = "bob") {
    ok(store.connections.add({connection_id{connection}, here, user_id{user}, "2026-01-31T12:00:00.000Z", "", ""},
                             {room_id{"tea"}}));
  }
  std::int64_t now() {
    auto const time = probe.list("TIME");
    return std::stoll(time[0]) * 1000 + std::stoll(time[1]) / 1000;
  }
  std::vector<std::string> online() { return probe.list("SMEMBERS", "ws:online_users"); }

  instance_id const here{"chat-1"};
  state::store store{redis, 1};
  std::set<std::string> held;
  std::vector<std::string> undone;
  std::int64_t since_ms = 0;
};

TEST_F(connection_audit, undoes_what_has_ended_and_leaves_what_lives) {
  listed("aaaaaa.1", "alice");
  listed("aaaaaa.2", "bob");
  held = {"aaaaaa.1"};
  auto audit = worker({"aaaaaa.", {}});
  EXPECT_EQ(ok(audit.compare()), 1u);
  EXPECT_THAT(undone, ElementsAre("aaaaaa.2"));
  EXPECT_THAT(online(), ElementsAre("alice"));
  EXPECT_EQ(ok(audit.compare()), 0u);
}

TEST_F(connection_audit, leaves_to_other_workers_what_is_theirs) {
  for (auto const* id : {"aaaaaa.1", "bbbbbb.1", "cccccc.1"}) listed(id);
  auto second = worker({"bbbbbb.", {}});
  EXPECT_EQ(ok(second.compare()), 1u);
  EXPECT_THAT(undone, ElementsAre("bbbbbb.1"));
  // The first worker looks after connections of an earlier process, too.
  auto first = worker({"aaaaaa.", {"aaaaaa.", "bbbbbb."}});
  listed("bbbbbb.2");
  EXPECT_EQ(ok(first.compare()), 2u);
  EXPECT_THAT(undone, UnorderedElementsAre("bbbbbb.1", "aaaaaa.1", "cccccc.1"));
}

// The user was taken for online, so nothing was queued.
TEST_F(connection_audit, queues_what_was_said_since_it_last_agreed_with_redis) {
  auto audit = worker({"aaaaaa.", {}});
  auto const before = now();
  EXPECT_EQ(ok(audit.compare()), 0u);
  listed("aaaaaa.1");
  ok(store.connections.add({connection_id{"aaaaaa.2"}, here, user_id{"alice"}, "2026-01-31T12:00:00.000Z", "", ""},
                           {room_id{"tea"}}));
  held = {"aaaaaa.2"};
  ok(store.room_log.publish({room_id{"tea"}, user_id{"alice"}, connection_id{"aaaaaa.2"}, "\"are you there?\"", ""}));
  EXPECT_EQ(ok(audit.compare()), 1u);
  EXPECT_GE(since_ms, before - 36'000);
  EXPECT_LE(since_ms, now() - 36'000);
  EXPECT_EQ(probe("LLEN", "ws:offline_messages:bob"), "1");
}

TEST_F(connection_audit, that_never_agreed_doubts_a_lease_more) {
  auto audit = worker({"aaaaaa.", {}});
  listed("aaaaaa.1");
  auto const before = now();
  EXPECT_EQ(ok(audit.compare()), 1u);
  EXPECT_GE(since_ms, before - 51'000);
  EXPECT_LE(since_ms, now() - 51'000);
}

TEST_F(connection_audit, lets_an_end_that_is_on_its_way_be) {
  listed("aaaaaa.1");
  auto audit = worker({"aaaaaa.", {}}, {.holds = {}, .undo = {}, .listed = [&](auto const&) {}});
  held = {"aaaaaa.1"};  // flows says so of a connection whose disconnect.lua is under way
  EXPECT_EQ(ok(audit.compare()), 0u);
  EXPECT_EQ(probe("HLEN", "ws:instance_connections:chat-1"), "1");
}

TEST_F(connection_audit, looks_at_long_lists_in_pages_and_tells_what_it_has_seen) {
  for (int n = 0; n < 1300; ++n) {
    auto const id = fmt::format("aaaaaa.{}", n);
    probe("HSET", "ws:instance_connections:chat-1", id, "user");
    if (n % 100 != 0) held.insert(id);
  }
  std::size_t told = 0;
  auto audit =
      worker({"aaaaaa.", {}}, {.holds = {}, .undo = {}, .listed = [&](auto const& all) { told = all.size(); }});
  EXPECT_EQ(ok(audit.compare()), 13u);
  EXPECT_EQ(told, 1287u);
  EXPECT_EQ(probe("HLEN", "ws:instance_connections:chat-1"), "1287");
}

}  // namespace
