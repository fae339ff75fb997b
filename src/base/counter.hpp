// SPDX-License-Identifier: Apache-2.0
// A number of events: written by one thread without locks, read by the threads that serve metrics.
#pragma once
#include <atomic>
#include <cstdint>

namespace hiky {

class counter {
 public:
  void add(std::uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void sub(std::uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace hiky
