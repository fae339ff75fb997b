// SPDX-License-Identifier: Apache-2.0
// The choice of lines that are written to the log. Most events can be caused by a client, as fast as it can send, so
// each kind has a bucket of its own: a flood of one hides no other. Lines that are left out are counted.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/token_bucket.hpp"

namespace hiky::log {

class throttle {
 public:
  static constexpr float lines_per_s = 5, line_burst = 100;
  static constexpr float reports_per_s = 0.2F;

  // From any thread, as all of these. `now_ms`: base/clock.hpp.
  bool lets(std::string_view noun_verb, std::uint32_t now_ms) {
    std::lock_guard const held{lock_};
    auto kind = kinds_.find(noun_verb);
    if (kind == kinds_.end()) kind = kinds_.try_emplace(std::string{noun_verb}).first;
    if (kind->second.lines.take(lines_per_s, line_burst, now_ms)) return true;
    ++kind->second.left_out;
    some_left_out_ = true;
    return false;
  }
  struct omission {
    std::string noun_verb;
    std::uint64_t lines;
  };
  // The lines left out since the last report; nothing while the last one is less than five seconds ago.
  std::vector<omission> take_omissions(std::uint32_t now_ms) {
    std::lock_guard const held{lock_};
    std::vector<omission> out;
    if (!some_left_out_ || !reports_.take(reports_per_s, 1, now_ms)) return out;
    some_left_out_ = false;
    for (auto& [noun_verb, kind] : kinds_) {
      if (kind.left_out > 0) out.push_back({noun_verb, std::exchange(kind.left_out, 0)});
    }
    return out;
  }

 private:
  struct kind_of_line {
    token_bucket lines;
    std::uint64_t left_out = 0;
  };
  std::mutex lock_;
  std::map<std::string, kind_of_line, std::less<>> kinds_;
  token_bucket reports_;
  bool some_left_out_ = false;
};

}  // namespace hiky::log
