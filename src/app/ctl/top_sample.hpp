// SPDX-License-Identifier: Apache-2.0
// A sample of what happens in a Redis, and what two of them say together. All from Redis itself: it shows the whole of
// all instances.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "app/ctl/report.hpp"
#include "base/async.hpp"
#include "base/error.hpp"
#include "redis/client.hpp"
#include "state/inspect/instances.hpp"

namespace hiky::ctl {

struct sample {
  std::chrono::steady_clock::time_point at;
  std::int64_t online = 0, typing = 0, leaving = 0;  // `leaving`: offline, and not announced yet
  std::int64_t commands = 0, in_bytes = 0, out_bytes = 0, memory = 0, redis_clients = 0;
  std::vector<state::instance_view> instances;
  std::map<std::string, std::uint64_t> rooms;  // name → seq
  bool all_rooms = false;                      // what is not among them was not there
};

class sampler {
 public:
  explicit sampler(redis::client& redis) : redis_(redis) {}
  task<result<sample>> take();

 private:
  task<result<void>> count_rooms(sample& into);

  redis::client& redis_;
  std::vector<std::string> rooms_;
  std::chrono::steady_clock::time_point next_scan_{};
};

report changes(sample const& before, sample const& now);

}  // namespace hiky::ctl
