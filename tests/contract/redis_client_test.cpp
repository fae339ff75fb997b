// SPDX-License-Identifier: Apache-2.0
// The connection under faults of a real Redis: no byte and no answer goes where it does not belong, and it comes back without haste.
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
    asio::co_spawn(events.executor(), client->exec(std::move(question)), [&into](std::exception_ptr bug, result<redis::reply> answer) {
      into = bug ? "thrown" : answer ? std::string{(*answer)[0].text()} : std::string{to_string(answer.error().code)};
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
