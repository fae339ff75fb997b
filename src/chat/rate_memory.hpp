// SPDX-License-Identifier: Apache-2.0
// What users had left of their rates when a connection of theirs ended, for a minute: who comes back at once goes on with that,
// or reconnecting would be the way around every rate.
#pragma once
#include <string>
#include <unordered_map>

#include "base/ids.hpp"
#include "chat/session.hpp"

namespace hiky::chat {

class rate_memory {
 public:
  void remember(session const& s, std::uint32_t now_ms) {
    forget_old(now_ms);
    left_[s.user.str()] = {s.message_rate, s.request_rate, s.refusal_rate, now_ms};
  }

  void recall(session& s, std::uint32_t now_ms) {
    auto const found = left_.find(std::string_view{s.user});
    if (found == left_.end()) return;
    if (now_ms - found->second.since_ms < memory_ms) {
      s.message_rate = found->second.messages;
      s.request_rate = found->second.requests;
      s.refusal_rate = found->second.refusals;
    }
    left_.erase(found);
  }

 private:
  static constexpr std::uint32_t memory_ms = 60'000;
  struct left {
    token_bucket messages, requests, refusals;
    std::uint32_t since_ms = 0;
  };

  // Rarely looked through, and then as often as it has doubled: what each costs stays constant.
  void forget_old(std::uint32_t now_ms) {
    if (left_.size() < look_at_) return;
    std::erase_if(left_, [&](auto const& one) { return now_ms - one.second.since_ms >= memory_ms; });
    look_at_ = std::max<std::size_t>(1024, 2 * left_.size());
  }

  std::unordered_map<std::string, left, id_hash, std::equal_to<>> left_;
  std::size_t look_at_ = 1024;
};

}  // namespace hiky::chat
