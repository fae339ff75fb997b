// SPDX-License-Identifier: Apache-2.0
// A histogram of durations: fixed memory, values kept to within 1/64, so millions of samples cost nothing to hold.
#pragma once
#include <array>
#include <cstdint>

namespace hiky::load {

class latency {
 public:
  void add(std::int64_t ns);
  void clear() { *this = latency{}; }
  std::uint64_t count() const { return count_; }
  // The duration in ms that `share` (0..1) of the samples do not exceed; 0 without samples.
  double quantile_ms(double share) const;

 private:
  static constexpr int fine_bits = 6;
  std::array<std::uint64_t, (64 - fine_bits + 1) << fine_bits> buckets_{};
  std::uint64_t count_ = 0;
};

}  // namespace hiky::load
