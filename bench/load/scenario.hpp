// SPDX-License-Identifier: Apache-2.0
// The scenarios, their settings, and the parts that they share. Each opens its own swarm, measures, and leaves.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dialect.hpp"
#include "endpoint.hpp"
#include "outcome.hpp"
#include "processes.hpp"
#include "swarm.hpp"

namespace hiky::load {

struct settings {
  std::string server = "hiky";       // the name in the table
  double seconds = 5;                // of measuring; set-up comes on top
  std::size_t users = 0;             // 0 = the scenario's own number
  std::size_t room_size = 0;         // likewise
  double rate = 2000;                // messages per second; peak begins with it
  std::size_t window = 1;            // fan: messages under way at once
  std::size_t in_flight = 64;        // connections being opened at once
  std::size_t content_bytes = 100;
};

struct run {
  settings set;
  endpoint to;                      // the first instance
  std::vector<endpoint> instances;  // only many uses more than one
  dialect const& speech;
  processes server;
};

struct scenario {
  std::string_view name;
  std::string_view about;
  outcome (*perform)(run const&);
  bool usual = true;  // runs when no scenario is named
};
std::span<scenario const> all_scenarios();

outcome pair(run const&);
outcome fan(run const&);
outcome away(run const&);
outcome mix(run const&);
outcome peak(run const&);
outcome idle(run const&);
outcome storm(run const&);
outcome many(run const&);

// --- shared by the scenarios ---

outcome begin_outcome(run const& what, std::string_view scenario, std::string load);

// Members i/size of the room, named after the scenario so that two scenarios on one server never meet.
std::function<place(std::size_t)> rooms_of(std::string_view scenario, std::size_t size);

// Generous, but never for ever: how long opening `count` members may take.
std::int64_t setup_deadline(std::size_t count);

// Waits until the server and Redis have finished earlier work (they use less than 2 % of one core over 200 ms), 20 s at
// the longest.
void settle(run const& what, swarm& crowd);

// Sets gateway_us, redis_us and own_us from the difference of two samples.
void set_cpu(outcome& found, run const& what, cpu_sample used, std::uint64_t units);

// Moves the swarm's first fault into the outcome; true if there was one.
bool failed(outcome& found, swarm const& crowd);

}  // namespace hiky::load
