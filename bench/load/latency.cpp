// SPDX-License-Identifier: Apache-2.0
#include "latency.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace hiky::load {

void latency::add(std::int64_t ns) {
  auto const value = static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0));
  // Values below 2^fine_bits have a bucket each; above, every power of two is cut into 2^fine_bits buckets.
  int const shift = std::max(static_cast<int>(std::bit_width(value)) - fine_bits - 1, 0);
  ++buckets_[(static_cast<std::size_t>(shift) << fine_bits) + (value >> shift)];
  ++count_;
}

double latency::quantile_ms(double share) const {
  if (count_ == 0) return 0;
  auto const wanted =
      std::max<std::uint64_t>(static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))), 1);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen < wanted) continue;
    std::size_t const shift = i < (2U << fine_bits) ? 0 : (i >> fine_bits) - 1;
    std::uint64_t const value = (i - (shift << fine_bits)) << shift;
    return static_cast<double>(value) / 1e6;
  }
  return 0;
}

}  // namespace hiky::load
