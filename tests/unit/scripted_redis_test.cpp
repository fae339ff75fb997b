// SPDX-License-Identifier: Apache-2.0
// The tool that other tests use: a real client talks to the scripted Redis.
#include "support/scripted_redis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/client.hpp"
#include "state/chat/members.hpp"
#include "support/log_capture.hpp"
#include "support/still_loop.hpp"

using namespace hiky;
using namespace std::chrono_literals;
using namespace support;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

class scripted : public testing::Test {
 protected:
  scripted() {
    client.on_push([this](std::span<redis::node const> m) { pushes.emplace_back(m.back().value); }, [] {});
    client.start();
    loop.until([this] { return client.connected(); });
  }
  ~scripted() override {
    client.stop();
    loop.settle();
  }
  std::string ask(redis::request r) {
    auto const answer = loop.run(client.exec(std::move(r)));
    return answer ? std::string{(*answer)[0].text()} : answer.error().text;
  }

  still_loop loop;
  log_capture log;
  scripted_redis redis{loop.executor()};
  redis::client client{loop.executor(), redis.address(7)};
  std::vector<std::string> pushes;
};

}  // namespace

TEST_F(scripted, gives_the_answers_of_its_rules_and_remembers_the_calls) {
  redis.when("GET").give(text("tea"));
  redis.when("GET", has("cup")).once().give(text("empty"));
  EXPECT_EQ(ask(redis::request{"get", "cup"}), "empty");
  EXPECT_EQ(ask(redis::request{"GET", "cup"}), "tea") << "the rule was for one call";
  ASSERT_EQ(redis.count("GET"), 2U);
  EXPECT_THAT(redis.calls("GET")[0].args, ElementsAre("cup"));
  EXPECT_EQ(redis.calls("GET")[0].database, 7);
  EXPECT_THAT(redis.names(), ElementsAre("GET", "GET")) << "the greeting of a connection is not among the calls";
}

TEST_F(scripted, knows_our_scripts_by_name) {
  redis.when("leave.lua").give(number(1));
  redis.when("leave.lua").once().refuse("NOSCRIPT No matching script");
  state::members members{client, 7};
  EXPECT_TRUE(*loop.run(members.leave(user_id{"alice"}, room_id{"tea"})));
  EXPECT_EQ(redis.count("SCRIPT"), 1U) << "it was loaded when Redis did not know it";
  auto const asked = redis.calls("leave.lua").back();
  EXPECT_EQ(asked.keys.front(), "ws:room_participants:tea");
  EXPECT_EQ(asked.args.front(), "alice");
}

TEST_F(scripted, a_surprise_is_refused_and_told) {
  EXPECT_EQ(ask(redis::request{"LPOP", "tea"}), "ERR the test has not said what LPOP is answered");
  EXPECT_THAT(redis.surprises(), ElementsAre("LPOP tea"));
}

TEST_F(scripted, calls_behind_a_held_one_wait_too) {
  redis.when("GET").give(text("later"));
  redis.when("GET").hold();
  auto const held = loop.begin(client.exec(redis::request{"GET", "a"}));
  auto const behind = loop.begin(client.exec(redis::request{"PING"}));
  EXPECT_FALSE(held->done || behind->done);
  redis.release();
  loop.settle();
  ASSERT_TRUE(held->done && behind->done);
  EXPECT_EQ((**held->value)[0].text(), "later");
}

TEST_F(scripted, silence_ends_with_the_clients_deadline) {
  redis.when("GET").hold();
  auto const held = loop.begin(client.exec(redis::request{"GET", "a"}));
  loop.pass(1900ms);
  EXPECT_FALSE(held->done);
  loop.pass(200ms);
  ASSERT_TRUE(held->done);
  EXPECT_EQ(held->value->error().code, errc::timeout);
}

TEST_F(scripted, a_cut_connection_is_made_anew_when_time_passes) {
  redis.when("GET").once().cut();
  EXPECT_EQ(loop.run(client.exec(redis::request{"GET", "a"})).error().code, errc::not_connected);
  EXPECT_FALSE(client.connected());
  loop.pass(100ms);
  EXPECT_TRUE(client.connected());
  redis.down();
  loop.settle();
  EXPECT_FALSE(client.connected());
  loop.pass(3s);
  EXPECT_FALSE(client.connected());
  redis.up();
  loop.pass(3s);
  EXPECT_TRUE(client.connected());
}

TEST_F(scripted, channels_bring_what_is_published) {
  client.send(redis::request{"SUBSCRIBE", "a", "b"});
  loop.settle();
  EXPECT_THAT(redis.subscribed(), ElementsAre("a", "b"));
  EXPECT_EQ(ask(redis::request{"PUBLISH", "a", "by a client"}), "1");
  EXPECT_EQ(redis.publish("b", "by the test"), 1);
  EXPECT_EQ(redis.publish("c", "to nobody"), 0);
  loop.settle();
  EXPECT_THAT(pushes, ElementsAre("1", "2", "by a client", "by the test"));
  client.send(redis::request{"UNSUBSCRIBE", "a"});
  loop.settle();
  EXPECT_THAT(redis.subscribed(), ElementsAre("b"));
}

TEST(still_time, stands_until_it_is_moved) {
  still_loop loop;
  auto const steady = std::chrono::steady_clock::now();
  auto const wall = std::chrono::system_clock::now();
  EXPECT_EQ(wall, std::chrono::sys_days{std::chrono::January / 31 / 2026} + 12h);
  bool rang = false;
  asio::steady_timer timer{loop.io(), 1h};
  timer.async_wait([&](boost::system::error_code) { rang = true; });
  loop.pass(59min);
  EXPECT_FALSE(rang);
  loop.pass(1min);
  EXPECT_TRUE(rang);
  EXPECT_EQ(std::chrono::steady_clock::now() - steady, 1h);
  EXPECT_EQ(std::chrono::system_clock::now() - wall, 1h);
}
