// SPDX-License-Identifier: Apache-2.0
// The connection under faults of a real Redis: no byte and no answer goes to the wrong place, and the connection is
// made anew without haste.
#include <chrono>

#include "support/with_redis.hpp"

using namespace hiky;
using namespace testing;
using namespace std::chrono_literals;
using redis::request;

namespace {

struct redis_client : Test {
  void connect(redis::address where) {
    client = std::make_unique<redis::client>(events.executor(), std::move(where));
    client->start();
    ASSERT_TRUE(events.run(client->wait_connected(5s)));
  }
  void TearDown() override {
    if (client) client->stop();
    events.run_for(1ms);
  }

  // Asks, and writes the answer's text or the error's name to `into`.
  void ask(request question, std::string& into) {
    asio::co_spawn(events.executor(), client->exec(std::move(question)),
                   [&into](std::exception_ptr bug, result<redis::reply> answer) {
                     into = bug      ? "thrown"
                            : answer ? std::string{(*answer)[0].text()}
                                     : std::string{to_string(answer.error().code)};
                   });
  }

  support::log_capture log;
  support::loop events;
  support::redis_server server;
  support::redis_probe probe{server.socket()};
  std::unique_ptr<redis::client> client;
};

}  // namespace

TEST_F(redis_client, sends_nothing_of_a_lost_connection_on_the_next_one) {
  probe("SET", "planted", "1");
  auto where = server.address();
  where.deadline = 100ms;
  connect(where);
  std::string hostile;
  while (hostile.size() < 40'000) hostile += "\r\nFLUSHALL\r\n";
  server.hang();
  std::vector<std::string> told(64);
  for (auto& answer : told) ask(request{"SET", "k", hostile}, answer);
  events.run_for(1s);  // longer than two deadlines
  EXPECT_FALSE(client->connected());
  EXPECT_THAT(told, Each(Not(IsEmpty())));
  server.resume();
  ASSERT_TRUE(events.run(client->wait_connected(10s)));
  events.run_for(100ms);
  EXPECT_EQ(probe("GET", "planted"), "1");
  EXPECT_THAT(probe("INFO", "commandstats"), Not(HasSubstr("flushall")));
}

TEST_F(redis_client, gives_no_answer_to_another_question_when_a_subscription_is_refused) {
  probe("ACL", "SETUSER", "limited", "on", ">secret", "~*", "+@all", "resetchannels", "&open");
  auto where = server.address();
  where.user = "limited";
  where.password = "secret";
  connect(where);
  std::vector<std::string> told(100);
  for (std::size_t i = 0; i < told.size(); ++i) {
    if (i == 50) asio::post(events.executor(), [&] { client->send(request{"SUBSCRIBE", "shut"}); });
    ask(request{"ECHO", std::to_string(i)}, told[i]);
  }
  events.run_for(10ms);
  for (std::size_t i = 0; i < told.size(); ++i) EXPECT_THAT(told[i], AnyOf(std::to_string(i), "not_connected"));
  EXPECT_EQ(told.front(), "0");
  EXPECT_EQ(told.back(), "not_connected");
  EXPECT_THAT(log.lines("redis.lost"),
              ElementsAre(AllOf(HasSubstr("refused a subscription: NOPERM"), HasSubstr("deploy/redis/users.acl"))));
  ASSERT_TRUE(events.run(client->wait_connected(5s)));
  std::string answer;
  ask(request{"ECHO", "again"}, answer);
  events.run_for(100ms);
  EXPECT_EQ(answer, "again");
}

TEST_F(redis_client, comes_back_without_haste_to_a_redis_that_refuses_its_subscription) {
  probe("ACL", "SETUSER", "default", "resetchannels");
  client = std::make_unique<redis::client>(events.executor(), server.address());
  client->on_state([this](bool up) {
    if (up) client->send(request{"SUBSCRIBE", "shut"});
  });
  client->start();
  events.run_for(2s);
  EXPECT_THAT(client->counts().connects.load(),
              AllOf(Ge(3), Le(8)));  // after 50 ms, 100 ms, and so on, or half of that
  EXPECT_THAT(log.lines("redis."), SizeIs(1));
  probe("ACL", "SETUSER", "default", "&shut");
  events.run_for(3s);
  EXPECT_TRUE(client->connected());
  EXPECT_THAT(probe.list("PUBSUB", "CHANNELS"), ElementsAre("shut"));
}

TEST_F(redis_client, connects_anew_when_redis_takes_no_writes_any_more) {
  connect(server.address());
  probe("REPLICAOF", "127.0.0.1", "1");
  std::string told;
  ask(request{"SET", "k", "v"}, told);
  events.run_for(500ms);
  EXPECT_EQ(told, "server_error");
  EXPECT_EQ(client->counts().connects.load(), 2);
  EXPECT_THAT(log.lines("redis.lost"), ElementsAre(HasSubstr("READONLY")));
  // The client stays with this Redis, because it can be read, though it takes no writes either.
  ask(request{"SET", "k", "v"}, told);
  events.run_for(100ms);
  EXPECT_EQ(told, "server_error");
  EXPECT_TRUE(client->connected());
  EXPECT_EQ(client->counts().connects.load(), 2);
}

TEST_F(redis_client, connects_anew_when_told_so_by_a_push) {
  client = std::make_unique<redis::client>(events.executor(), server.address());
  client->on_state([this](bool up) {
    if (up) client->send(request{"SUBSCRIBE", "c"});
  });
  client->on_push(
      [this](auto const& message) {
        if (message[1].value == "message") client->reconnect({errc::not_connected, "told so"});
      },
      [] {});
  client->start();
  events.run_for(100ms);
  probe("PUBLISH", "c", "now");
  events.run_for(500ms);
  EXPECT_EQ(client->counts().connects.load(), 2);
  EXPECT_THAT(log.lines("redis.lost"), ElementsAre(HasSubstr("told so")));
  EXPECT_EQ(probe("PUBLISH", "c", "again"), "1");
}
