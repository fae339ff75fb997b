// SPDX-License-Identifier: Apache-2.0
// Looks for the highest rate that a server sustains: doubles the rate until it fails, then halves the distance. A rate
// counts as failed when it fails twice, because another program of the machine can spoil one try. Knows no server.
#pragma once

namespace hiky::load {

class rate_search {
 public:
  explicit rate_search(double first) : rate_(first) {}

  // The rate to try; 0 once the search is over.
  double rate() const { return rate_; }
  // How the try of rate() went. Finds the next one.
  void tell(bool sustained);
  // The highest rate that was sustained, and the lowest that failed; 0 if there is none.
  double best() const { return best_; }
  double worst() const { return worst_; }

 private:
  double rate_, best_ = 0, worst_ = 0;
  bool second_try_ = false;
};

}  // namespace hiky::load
