// SPDX-License-Identifier: Apache-2.0
// An ending connection leaves mail: the messages that may not have arrived. Messages that do not fit are counted.
#include "state/chat/connections.hpp"

#include <fmt/format.h>

#include "base/json.hpp"
#include "state/chat/store.hpp"
#include "support/with_redis.hpp"

namespace {

using namespace hiky;
using testing::ElementsAre;
using testing::IsEmpty;

class an_ending_connection : public support::with_redis {
 protected:
  void connect(std::string const& connection) {
    ok(store.connections.add({connection_id{connection}, here, bob, "2026-01-31T12:00:00.000Z", "", ""},
                             {room_id{"tea"}, room_id{"go"}}));
  }
  // A message of the log, with the time that the test gives.
  void say(std::string const& room, int seq, std::int64_t at_ms, std::string const& sender = "alice") {
    probe("XADD", "ws:room_log:" + room, fmt::format("{}-0", seq), "m", fmt::format("{} {}", room, seq), "c", "x", "s",
          sender, "t", std::to_string(at_ms));
    probe("HSET", "ws:room_head:" + room, "epoch", "e", "seq", std::to_string(seq));
  }
  void end(std::string const& connection, state::unsure_mail unsure) {
    ok(store.connections.remove(connection_id{connection}, here, bob, std::move(unsure)));
  }
  std::vector<std::string> mail() { return probe.list("LRANGE", "ws:offline_messages:bob", "0", "-1"); }
  std::string mail_at(int index) { return probe("LINDEX", "ws:offline_messages:bob", std::to_string(index)); }
  std::string dropped() { return probe("GET", "ws:offline_dropped:bob"); }
  void began(std::string const& connection, std::int64_t at) {
    probe("HSET", "ws:user_connections:bob", connection,
          "{\"instance\":\"" + here.str() + "\",\"at\":" + std::to_string(at) + "}");
  }
  state::unsure_mail heard(std::uint64_t tea, std::uint64_t go) {
    return {.heard = {{room_id{"tea"}, {"e", tea}}, {room_id{"go"}, {"e", go}}}};
  }

  instance_id const here{"chat-1"};
  user_id const bob{"bob"};
  state::store store{redis, 1};
};

TEST_F(an_ending_connection, leaves_what_was_said_behind_the_last_it_has_heard) {
  connect("c.1");
  for (int n = 1; n <= 9; ++n) say("tea", n, 1000 + n, n == 8 ? "bob" : "alice");
  end("c.1", heard(6, 0));
  EXPECT_THAT(mail(), ElementsAre("tea 9", "tea 7"));  // newest first, and without bob's own messages
  EXPECT_EQ(dropped(), "(nil)");
}

TEST_F(an_ending_connection, leaves_nothing_of_a_room_that_the_user_has_left) {
  connect("c.1");
  for (auto const* room : {"tea", "go"}) say(room, 1, 1000);
  ok(store.members.leave(bob, room_id{"tea"}));
  end("c.1", heard(0, 0));
  EXPECT_THAT(mail(), ElementsAre("go 1"));
}

TEST_F(an_ending_connection, keeps_the_newest_hundred_of_all_rooms_and_counts_the_rest) {
  connect("c.1");
  for (int n = 1; n <= 300; ++n) say("tea", n, 10'000 + 2 * n);
  for (int n = 1; n <= 250; ++n) say("go", n, 10'001 + 2 * n);
  end("c.1", heard(20, 30));
  EXPECT_EQ(probe("LLEN", "ws:offline_messages:bob"), "100");
  EXPECT_EQ(mail_at(0), "tea 300");
  // The last fifty messages are all from tea; before that the rooms take turns.
  EXPECT_EQ(mail_at(50), "go 250");
  EXPECT_EQ(mail_at(51), "tea 250");
  EXPECT_EQ(mail_at(99), "tea 226");
  EXPECT_EQ(dropped(), std::to_string(280 + 220 - 100));
}

TEST_F(an_ending_connection, of_a_dead_instance_leaves_what_was_said_since_its_last_sign_of_life) {
  connect("c.1");
  began("c.1", 0);
  for (int n = 1; n <= 500; ++n) say("tea", n, 1000 * n);
  end("c.1", {.since_ms = 498'000});
  EXPECT_THAT(mail(), ElementsAre("tea 500", "tea 499", "tea 498"));
  connect("c.2");
  began("c.2", 499'000);
  probe("DEL", "ws:offline_messages:bob");
  end("c.2", {.since_ms = 151'000});
  EXPECT_THAT(mail(), ElementsAre("tea 500", "tea 499")) << "messages from before its beginning are not owed";
  connect("c.3");
  began("c.3", 0);
  probe("DEL", "ws:offline_messages:bob");
  end("c.3", {.since_ms = 151'000});
  EXPECT_EQ(mail_at(99), "tea 401");
  EXPECT_EQ(dropped(), "250");  // 151 to 400
}

TEST_F(an_ending_connection, leaves_nothing_that_another_one_has_heard) {
  connect("c.1");
  events.run_for(std::chrono::milliseconds{3});
  auto const before = std::stoll(probe.list("TIME")[0]) * 1000 - 60'000;
  for (int n = 1; n <= 150; ++n) say("tea", n, before + n);
  connect("c.2");
  auto const behind = std::stoll(probe.list("TIME")[0]) * 1000 + 60'000;
  for (int n = 151; n <= 400; ++n) say("tea", n, behind + n);
  end("c.1", heard(148, 0));
  EXPECT_THAT(mail(), ElementsAre("tea 150", "tea 149"));
  EXPECT_EQ(dropped(), "(nil)");
}

TEST_F(an_ending_connection, does_so_with_a_log_that_is_gone) {
  connect("c.1");
  say("tea", 7, 1000);
  probe("DEL", "ws:room_log:tea");
  end("c.1", heard(2, 0));
  EXPECT_THAT(mail(), IsEmpty());
  EXPECT_EQ(probe("SCARD", "ws:online_users"), "0");
}

class a_connection_that_is_asserted_again : public support::with_redis {
 protected:
  a_connection_that_is_asserted_again() {
    ok(store.leases.renew(instance_id{"chat-1"}, std::chrono::seconds{15}, true));
  }
  std::int64_t asserted(state::membership what, std::optional<std::int64_t> known = {}, bool open = false) {
    return ok(store.connections.add(
                  {connection_id{"c.1"}, instance_id{"chat-1"}, bob, "2026-01-31T12:00:00.000Z", "", ""},
                  {{tea, open}, {go, open}}, what, 0, known.value_or(now())))
        .at_ms;
  }
  std::int64_t now() { return 1000 * std::stoll(probe.list("TIME")[0]); }
  std::vector<std::string> rooms() {
    auto out = probe.list("SMEMBERS", "ws:member_rooms:bob");
    std::ranges::sort(out);
    return out;
  }

  user_id const bob{"bob"};
  room_id const tea{"tea"}, go{"go"};
  state::store store{redis, 1};
};

TEST_F(a_connection_that_is_asserted_again, puts_nobody_back_into_a_room_that_was_left_since) {
  asserted(state::membership::granted);
  ok(store.members.leave(bob, tea));
  for (auto const what : {state::membership::remembered, state::membership::stored}) {
    asserted(what);
    EXPECT_THAT(rooms(), ElementsAre("go"));
  }
  EXPECT_GT(std::stoi(probe("TTL", "ws:left:bob")), 7000);
  // The same holds with a clock that has stepped back in between.
  asserted(state::membership::remembered, now() + 3'600'000);
  EXPECT_THAT(rooms(), ElementsAre("go"));
  ok(store.members.join(bob, tea, connection_id{"c.1"}, 0));
  probe("DEL", "ws:member_rooms:bob");
  asserted(state::membership::remembered);
  EXPECT_THAT(rooms(), ElementsAre("go", "tea")) << "entered again";
  ok(store.members.leave(bob, tea));
  asserted(state::membership::granted);
  probe("DEL", "ws:member_rooms:bob");
  asserted(state::membership::remembered);
  EXPECT_THAT(rooms(), ElementsAre("go", "tea")) << "entered again, as the directory says";
}

TEST_F(a_connection_that_is_asserted_again, has_its_rooms_open_again_if_its_user_belongs_to_them) {
  asserted(state::membership::granted);
  ok(store.members.leave(bob, tea));
  asserted(state::membership::stored, {}, true);
  EXPECT_EQ(probe("SISMEMBER", "ws:joined_room_participants:go", "bob"), "1");
  EXPECT_EQ(probe("EXISTS", "ws:joined_room_participants:tea"), "0");
}

// The instance may not have noticed yet that Redis has lost everything, and the user may have entered a room since.
TEST_F(a_connection_that_is_asserted_again, keeps_its_rooms_when_redis_has_lost_them_with_the_lease) {
  asserted(state::membership::granted);
  probe("FLUSHALL");
  ok(store.members.join(bob, room_id{"new"}, connection_id{"c.1"}, 0));
  asserted(state::membership::stored);
  EXPECT_THAT(rooms(), ElementsAre("go", "new", "tea"));
  // A user who is removed meanwhile stays out, though Redis does not know of the membership.
  probe("FLUSHALL");
  ok(store.members.leave(bob, tea));
  asserted(state::membership::stored);
  EXPECT_THAT(rooms(), ElementsAre("go"));
}

TEST_F(a_connection_that_is_asserted_again, is_not_believed_what_redis_would_have_forgotten) {
  asserted(state::membership::granted);
  probe("DEL", "ws:member_rooms:bob");
  asserted(state::membership::remembered, now() - 7'210'000);
  EXPECT_THAT(rooms(), IsEmpty());
  asserted(state::membership::remembered, now() - 7'100'000);
  EXPECT_THAT(rooms(), ElementsAre("go", "tea"));
}

TEST_F(a_connection_that_is_asserted_again, remembers_not_too_many_rooms_that_were_never_entered) {
  for (int i = 0; i < 150; ++i) ok(store.members.leave(bob, room_id{fmt::format("made up {}", i)}));
  EXPECT_EQ(probe("HLEN", "ws:left:bob"), "100");
  asserted(state::membership::granted);
  ok(store.members.leave(bob, tea));
  EXPECT_EQ(probe("HEXISTS", "ws:left:bob", "tea"), "1");
}

}  // namespace
