// SPDX-License-Identifier: Apache-2.0
// Every announced typing mark ends, and its end is announced once, also when the instance on which the user typed is
// gone.
#include "state/chat/typing_marks.hpp"

#include <fmt/format.h>

#include "state/chat/store.hpp"
#include "support/with_redis.hpp"

namespace {

using namespace hiky;
using namespace std::chrono_literals;
using state::typing_change;
using testing::ElementsAre;
using testing::IsEmpty;

class typing_marks : public support::with_redis {
 protected:
  typing_marks() : ear{events.executor(), support::shared_server().address(1)} {
    ear.on_push(
        [this](std::span<redis::node const> push) {
          auto const words = redis::value{push}.strings();
          if (words.size() == 3 && words[0] == "message") heard.push_back(words[2].substr(words[2].find('\n') + 1));
        },
        [] {});
    ear.start();
    ok(ear.wait_connected(5s));
    ear.send(redis::request{"SUBSCRIBE", "ws:1:room:tea", "ws:1:room:go"});
    events.run_for(20ms);
    connect("c.1");
    for (auto const& room : {tea, go}) ok(store.members.join(bob, room, connection_id{"c.1"}, 1));
    events.run_for(5ms);
    heard.clear();
  }
  ~typing_marks() override {
    ear.stop();
    events.run_for(1ms);
  }

  void connect(std::string const& connection) {
    ok(store.connections.add({connection_id{connection}, here, bob, "2026-01-31T12:00:00.000Z", "", ""}, {}));
  }
  std::chrono::milliseconds change(room_id const& room, typing_change what) {
    return ok(store.typing.change(bob, room, what));
  }
  void put_end(room_id const& room, std::int64_t from_now) {
    auto const time = probe.list("TIME");
    auto const now = std::stoll(time[0]) * 1000 + std::stoll(time[1]) / 1000;
    probe("ZADD", "ws:typing_marks", std::to_string(now + from_now), "bob\n" + room.str());
  }
  std::int64_t left(room_id const& room) {
    auto const time = probe.list("TIME");
    return std::stoll(probe("ZSCORE", "ws:typing_marks", "bob\n" + room.str())) - std::stoll(time[0]) * 1000 -
           std::stoll(time[1]) / 1000;
  }
  // Rooms that were told of an end since the last call.
  std::vector<std::string> ended() {
    events.run_for(5ms);
    std::vector<std::string> out;
    for (auto const& frame : std::exchange(heard, {})) {
      if (frame == R"({"type":"typing","userId":"bob","roomId":"tea","isTyping":false})") out.emplace_back("tea");
      if (frame == R"({"type":"typing","userId":"bob","roomId":"go","isTyping":false})") out.emplace_back("go");
    }
    return out;
  }
  void expect_none() { EXPECT_EQ(probe("EXISTS", "ws:typing_users", "ws:typing_users:bob", "ws:typing_marks"), "0"); }

  user_id const bob{"bob"};
  room_id const tea{"tea"}, go{"go"};
  instance_id const here{"chat-1"};
  state::store store{redis, 1};
  redis::client ear;
  std::vector<std::string> heard;
};

TEST_F(typing_marks, end_when_the_user_says_so) {
  EXPECT_EQ(change(tea, typing_change::on), 10s);
  EXPECT_EQ(probe("HGET", "ws:typing_users", "bob"), "tea");
  EXPECT_EQ(probe("GET", "ws:typing_users:bob"), "tea");
  EXPECT_EQ(change(tea, typing_change::off), 0s);
  EXPECT_THAT(ended(), ElementsAre("tea"));
  expect_none();
}

// The instance's clock began to run when the client spoke, Redis's when it took the mark.
TEST_F(typing_marks, that_are_asked_for_too_early_say_how_long_they_live) {
  change(tea, typing_change::on);
  put_end(tea, 800);
  auto const left = change(tea, typing_change::expired);
  EXPECT_GT(left, 500ms);
  EXPECT_LE(left, 800ms);
  EXPECT_THAT(ended(), IsEmpty());
  put_end(tea, -1);
  EXPECT_EQ(change(tea, typing_change::expired), 0s);
  EXPECT_THAT(ended(), ElementsAre("tea"));
  expect_none();
  EXPECT_EQ(change(tea, typing_change::expired), 0s);
  EXPECT_THAT(ended(), IsEmpty()) << "told once";
}

TEST_F(typing_marks, that_redis_has_lost_end_all_the_same) {
  change(tea, typing_change::on);
  probe("DEL", "ws:typing_users", "ws:typing_users:bob", "ws:typing_marks");
  EXPECT_EQ(change(tea, typing_change::lost), 0s);
  EXPECT_THAT(ended(), ElementsAre("tea"));
}

TEST_F(typing_marks, of_several_rooms_end_in_each) {
  change(tea, typing_change::on);
  change(go, typing_change::on);
  EXPECT_EQ(probe("HGET", "ws:typing_users", "bob"), "go");
  put_end(tea, -1);
  EXPECT_EQ(change(tea, typing_change::expired), 0s);
  EXPECT_THAT(ended(), ElementsAre("tea"));
  EXPECT_EQ(probe("HGET", "ws:typing_users", "bob"), "go") << "the later mark lives";
  EXPECT_EQ(probe("ZCARD", "ws:typing_marks"), "1");
}

TEST_F(typing_marks, end_with_the_membership_also_in_the_room_before) {
  change(tea, typing_change::on);
  change(go, typing_change::on);
  ok(store.members.leave(bob, tea));
  EXPECT_THAT(ended(), ElementsAre("tea"));
  ok(store.members.leave(bob, go));
  EXPECT_THAT(ended(), ElementsAre("go"));
  expect_none();
}

TEST_F(typing_marks, end_with_the_last_connection) {
  connect("c.2");
  change(tea, typing_change::on);
  change(go, typing_change::on);
  ok(store.connections.remove(connection_id{"c.1"}, here, bob));
  EXPECT_THAT(ended(), IsEmpty()) << "another connection may be the one that types";
  ok(store.connections.remove(connection_id{"c.2"}, here, bob));
  EXPECT_THAT(ended(), testing::UnorderedElementsAre("tea", "go"));
  expect_none();
}

TEST_F(typing_marks, that_are_overdue_are_ended_by_any_instance) {
  change(tea, typing_change::on);
  change(go, typing_change::on);
  put_end(tea, -900);
  EXPECT_EQ(ok(store.typing.sweep(100, 1s)), 0u) << "its own instance may be about to";
  put_end(tea, -1100);
  EXPECT_EQ(ok(store.typing.sweep(100, 1s)), 1u);
  EXPECT_THAT(ended(), ElementsAre("tea"));
  put_end(go, -1100);
  EXPECT_EQ(ok(store.typing.sweep(100, 1s)), 1u);
  EXPECT_THAT(ended(), ElementsAre("go"));
  expect_none();
}

TEST_F(typing_marks, are_ended_a_few_at_a_time) {
  for (int n = 0; n < 25; ++n) probe("ZADD", "ws:typing_marks", std::to_string(n + 1), fmt::format("user {}\ntea", n));
  EXPECT_EQ(ok(store.typing.sweep(10, 1s)), 10u);
  EXPECT_EQ(ok(store.typing.sweep(10, 1s)), 10u);
  EXPECT_EQ(ok(store.typing.sweep(10, 1s)), 5u);
  expect_none();
}

TEST_F(typing_marks, outlive_no_step_of_the_clock) {
  change(tea, typing_change::on);
  put_end(tea, 3'600'000);
  EXPECT_EQ(change(tea, typing_change::expired), 10s);
  EXPECT_LE(left(tea), 10'000);
  put_end(tea, 90'000);
  EXPECT_EQ(ok(store.typing.sweep(100, 1s)), 0u);
  EXPECT_LE(left(tea), 10'000);
}

}  // namespace
