// SPDX-License-Identifier: Apache-2.0
// The base of contract tests: one redis-server per process, emptied before each test; a client on database 1; and a
// second connection that looks at the keys.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"
#include "support/log_capture.hpp"
#include "support/loop.hpp"
#include "support/redis_probe.hpp"
#include "support/redis_server.hpp"

namespace support {

// Legal ids that a careless key, script or parser would trip over.
inline std::vector<std::string_view> const odd_ids{
    "a:b",      "tea:",        ":", "{}",   "{tag}x", "\"quoted\"",
    "it's",     "back\\slash", "*", "ws:*", "%s %d",  "naïve ☕ 日本 👩‍👩‍👧",
    " spaces ", "0",           ""};

inline redis_server& shared_server() {
  static redis_server server;
  return server;
}

class with_redis : public testing::Test {
 protected:
  explicit with_redis(redis_server& on = shared_server())
      : probe(on.socket(), 1), redis(events.executor(), on.address(1)) {
    probe("REPLICAOF", "NO", "ONE");  // a test that failed may have left it read-only
    probe("FLUSHALL");
    redis.start();
    ok(redis.wait_connected(std::chrono::seconds{5}));
  }
  ~with_redis() override {
    redis.stop();
    events.run_for(std::chrono::milliseconds{1});
  }

  template <class T>
  T run(hiky::task<T> what) {
    return events.run(std::move(what));
  }
  // The value of something that must not fail.
  template <class T>
  T ok(hiky::task<hiky::result<T>> what) {
    auto outcome = events.run(std::move(what));
    if (!outcome) throw std::runtime_error("failed: " + outcome.error().text);
    if constexpr (!std::is_void_v<T>) return std::move(*outcome);
  }
  // The error of something that must fail.
  template <class T>
  hiky::error fault(hiky::task<hiky::result<T>> what) {
    auto outcome = events.run(std::move(what));
    if (outcome) throw std::runtime_error("succeeded, but should have failed");
    return std::move(outcome.error());
  }

  loop events;
  redis_probe probe;
  hiky::redis::client redis;
  log_capture log;
};

}  // namespace support
