// SPDX-License-Identifier: Apache-2.0
// Durations, counted in buckets: written by one thread without locks, read by the threads that serve metrics.
#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace hiky {

class histogram {
 public:
  // 20 µs to 5 s, three to a decade: numbers that a person can read. Longer durations are in the last bucket, which
  // has no bound.
  static constexpr std::array bounds_ns{20'000LL,        50'000LL,       100'000LL,     200'000LL,     500'000LL,
                                        1'000'000LL,     2'000'000LL,    5'000'000LL,   10'000'000LL,  20'000'000LL,
                                        50'000'000LL,    100'000'000LL,  200'000'000LL, 500'000'000LL, 1'000'000'000LL,
                                        2'000'000'000LL, 5'000'000'000LL};
  static constexpr std::size_t bounds = bounds_ns.size();
  static constexpr double bound_s(std::size_t i) { return static_cast<double>(bounds_ns[i]) / 1e9; }

  void observe(std::chrono::nanoseconds took) {
    auto const ns = std::max<long long>(took.count(), 0);
    raise(buckets_[static_cast<std::size_t>(std::ranges::lower_bound(bounds_ns, ns) - bounds_ns.begin())], 1);
    raise(sum_ns_, static_cast<std::uint64_t>(ns));
  }

  std::uint64_t in_bucket(std::size_t i) const {
    return buckets_[i].load(std::memory_order_relaxed);
  }  // 0 to bounds, not cumulative
  double sum_s() const { return static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) * 1e-9; }

 private:
  // One writer, so that no locked instruction is needed.
  static void raise(std::atomic<std::uint64_t>& value, std::uint64_t by) {
    value.store(value.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::array<std::atomic<std::uint64_t>, bounds + 1> buckets_{};
  std::atomic<std::uint64_t> sum_ns_{0};
};

}  // namespace hiky
