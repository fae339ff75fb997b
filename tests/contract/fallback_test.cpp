// SPDX-License-Identifier: Apache-2.0
// Every method of the document under every fault of Redis: its fallback comes back in time, with one log line, and
// nothing is thrown (a throw ends the test). Methods that a fault does not concern go on working, and log nothing.
#include <algorithm>
#include <chrono>
#include <memory>

#include "contract/document_methods.hpp"
#include "support/with_redis.hpp"

using namespace hiky;
using namespace testing;
using namespace std::chrono_literals;

namespace {

constexpr auto deadline = 200ms;
constexpr auto slack = 1500ms;  // for a loaded machine and a sanitizer; still far below a hang

struct fallback : Test {
  void connect(redis::address where) {
    where.deadline = deadline;
    redis = std::make_unique<redis::client>(events.executor(), std::move(where));
    redis->start();
    services = std::make_unique<state::services>(*redis);
  }
  void connect_and_wait() {
    connect(server->address());
    ASSERT_TRUE(events.run(redis->wait_connected(5s)));
  }
  void TearDown() override {
    if (redis) redis->stop();
    events.run_for(1ms);
  }

  void expect_fallback(document_method const& method, std::string_view reason) {
    SCOPED_TRACE(method.name);
    log.clear();
    auto const begin = std::chrono::steady_clock::now();
    EXPECT_EQ(events.run(method.call(*services)), method.fallback);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, deadline + slack);
    expect_one_line(method, reason);
  }
  void expect_one_line(document_method const& method, std::string_view reason) {
    auto const lines = log.lines("operation.failed operation=" + std::string{method.name} + " ");
    ASSERT_THAT(lines, SizeIs(1));
    EXPECT_THAT(lines[0], HasSubstr(reason));
    EXPECT_THAT(lines[0], Not(HasSubstr("\n")));
  }
  void expect_only_line(document_method const& method, std::string_view reason) {
    expect_fallback(method, reason);
    EXPECT_THAT(log.lines(), SizeIs(1)) << method.name;
  }
  void expect_healthy(document_method const& method) {
    SCOPED_TRACE(method.name);
    log.clear();
    EXPECT_EQ(events.run(method.call(*services)), method.healthy);
    EXPECT_THAT(log.lines(), IsEmpty());
  }

  // Runs all methods at once and gives them `deadline + slack` together.
  void expect_fallbacks_at_once(std::string_view reason) {
    std::vector<std::optional<std::string>> values(document_methods().size());
    auto const begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < values.size(); ++i) {
      asio::co_spawn(
          events.executor(), document_methods()[i].call(*services),
          [&value = values[i]](std::exception_ptr thrown, std::string got) { value = thrown ? "thrown" : got; });
    }
    while (!std::ranges::all_of(values, &std::optional<std::string>::has_value) &&
           std::chrono::steady_clock::now() - begin < deadline + slack)
      events.run_for(5ms);
    for (std::size_t i = 0; i < values.size(); ++i) {
      auto const& method = document_methods()[i];
      SCOPED_TRACE(method.name);
      EXPECT_EQ(values[i], method.fallback);
      expect_one_line(method, reason);
    }
    EXPECT_THAT(log.lines("operation.failed"), SizeIs(document_methods().size()));
  }

  support::log_capture log;
  support::loop events;
  std::unique_ptr<support::redis_server> server = std::make_unique<support::redis_server>();
  std::unique_ptr<redis::client> redis;
  std::unique_ptr<state::services> services;
};

}  // namespace

TEST_F(fallback, comes_when_redis_was_never_there) {
  redis::address where;
  where.unix_path = server->socket();
  server->kill();
  connect(where);
  EXPECT_FALSE(events.run(redis->wait_connected(50ms)));
  for (auto const& method : document_methods()) expect_only_line(method, "code=not_connected");
}

TEST_F(fallback, comes_when_redis_has_stopped) {
  connect_and_wait();
  server->kill();
  events.run_for(100ms);
  for (auto const& method : document_methods()) expect_only_line(method, "code=not_connected");
}

TEST_F(fallback, comes_when_redis_dies_under_the_call) {
  connect_and_wait();
  server->kill();  // the client has not noticed yet
  expect_fallbacks_at_once("code=not_connected");
}

TEST_F(fallback, comes_within_the_deadline_when_redis_hangs) {
  connect_and_wait();
  server->hang();
  expect_fallbacks_at_once("code=timeout");
  server->resume();
}

TEST_F(fallback, comes_one_by_one_when_redis_hangs) {
  connect_and_wait();
  server->hang();
  for (auto const& method : document_methods()) expect_fallback(method, "code=");  // timeout, later not_connected
  server->resume();
  ASSERT_TRUE(events.run(redis->wait_connected(10s)));
  EXPECT_EQ(events.run(services->health_check()), true);
}

TEST_F(fallback, comes_when_redis_hangs_at_the_login) {
  server->hang();
  connect(server->address());
  events.run_for(20ms);
  for (auto const& method : document_methods()) expect_only_line(method, "code=not_connected");
  server->resume();
}

TEST_F(fallback, comes_when_the_key_holds_another_type) {
  connect_and_wait();
  support::redis_probe probe{server->socket()};
  for (auto const& method : document_methods()) {
    prepare(probe);
    if (method.key.empty()) {
      expect_healthy(method);
      continue;
    }
    probe("DEL", method.key);
    probe("SET", method.key, "a string");
    expect_only_line(method, "WRONGTYPE");
    EXPECT_EQ(probe("GET", method.key), "a string");
  }
}

TEST_F(fallback, comes_when_redis_is_out_of_memory) {
  connect_and_wait();
  support::redis_probe probe{server->socket()};
  for (auto const& method : document_methods()) {
    probe("CONFIG", "SET", "maxmemory", "0");
    prepare(probe);
    probe("CONFIG", "SET", "maxmemory", "1");
    if (method.need == needs::memory) expect_only_line(method, "OOM");
    else expect_healthy(method);
  }
}

TEST_F(fallback, comes_when_redis_is_read_only) {
  support::redis_probe probe{server->socket()};
  for (auto const& method : document_methods()) {
    probe("REPLICAOF", "NO", "ONE");
    connect_and_wait();  // a client leaves a master that has become a replica
    prepare(probe);
    probe("REPLICAOF", "127.0.0.1", "1");
    if (method.need == needs::read) expect_healthy(method);
    else expect_only_line(method, "READONLY");
  }
}

TEST_F(fallback, comes_when_redis_wants_a_password_at_the_login) {
  server = std::make_unique<support::redis_server>(std::vector<std::string>{"--requirepass", "secret"});
  connect(server->address());
  EXPECT_FALSE(events.run(redis->wait_connected(100ms)));
  for (auto const& method : document_methods()) expect_only_line(method, "NOAUTH");
}

TEST_F(fallback, comes_when_redis_answers_that_it_wants_a_password) {
  server = std::make_unique<support::redis_server>(std::vector<std::string>{"--requirepass", "secret"});
  auto where = server->address();
  where.password = "secret";
  connect(where);
  ASSERT_TRUE(events.run(redis->wait_connected(5s)));
  ASSERT_TRUE(events.run(redis->exec(redis::request{"RESET"})));  // logs the connection out
  for (auto const& method : document_methods()) expect_only_line(method, "code=server_error reason=\"NOAUTH");
}

TEST_F(fallback, comes_while_redis_is_a_replica_without_data) {
  support::redis_probe probe{server->socket()};
  probe("CONFIG", "SET", "replica-serve-stale-data", "no");
  for (auto const& method : document_methods()) {
    probe("REPLICAOF", "NO", "ONE");
    connect_and_wait();
    probe("REPLICAOF", "127.0.0.1", "1");
    if (method.name == "get_redis_info") expect_healthy(method);
    else expect_only_line(method, "code=server_error");
  }
}

TEST_F(fallback, is_over_when_redis_is_back) {
  connect_and_wait();
  support::redis_probe probe{server->socket()};
  prepare(probe);
  server->hang();
  expect_fallbacks_at_once("code=timeout");
  server->resume();
  ASSERT_TRUE(events.run(redis->wait_connected(10s)));
  events.run_for(50ms);
  prepare(probe);
  log.clear();
  for (auto const& method : document_methods()) {
    prepare(probe);
    EXPECT_EQ(events.run(method.call(*services)), method.healthy) << method.name;
  }
}
