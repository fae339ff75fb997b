// SPDX-License-Identifier: Apache-2.0
// Users on several instances of a server, one process of the load generator for each instance, since a process may have
// some 20,000 files only. All processes do the same step at the same time.
#pragma once
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scenario.hpp"

namespace hiky::load {

class crew {
 public:
  // Starts the processes. `users` and the rate are shared out among the instances of `what`.
  crew(run const& what, std::size_t users, std::size_t room_size);
  ~crew();
  crew(crew const&) = delete;
  crew& operator=(crew const&) = delete;

  // All users into their rooms. False after a fault, as with the other steps: failure() says the first.
  bool open() { return order("open"); }
  // Talk for so long, and wait for the last delivery. The figures below are those of the last talk.
  bool talk(double seconds);

  std::string const& failure() const { return failure_; }
  std::uint64_t heard() const { return static_cast<std::uint64_t>(sum("heard")); }
  std::int64_t own_ns() const { return static_cast<std::int64_t>(sum("own_ns")); }
  double p50_ms() const;  // the median of the instances' medians
  double p99_ms() const;  // of the worst instance
  double late_ms() const;  // how late a message was sent, at most

 private:
  struct worker {
    pid_t process;
    int control;
  };

  bool order(std::string_view step);
  double sum(std::string_view figure) const;
  double most(std::string_view figure) const;

  std::vector<worker> workers_;
  std::vector<outcome> answers_;
  std::string failure_;
};

}  // namespace hiky::load
