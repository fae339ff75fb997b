// SPDX-License-Identifier: Apache-2.0
// The rates of users: one bucket of each kind for a user, whatever connections on whatever workers share it, and
// however often they are made anew. A bucket that is full again is nobody's memory. Shared by all workers.
#pragma once
#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "base/ids.hpp"
#include "base/token_bucket.hpp"

namespace hiky::chat {

enum class user_rate : std::uint8_t {
  messages,
  requests,  // all but messages
  refusals,
  questions,     // to the application's room hook
  replacements,  // connections that end since the user has opened too many
};
inline constexpr std::size_t user_rate_kinds = 5;

class user_rates {
 public:
  struct limit {
    float per_s, burst;  // per_s 0: no limit
  };
  using limits = std::array<limit, user_rate_kinds>;
  explicit user_rates(limits all) : limits_(all) {}

  // From any thread, as all of these. Takes one; false when there is none.
  bool take(user_id const& user, user_rate kind, std::uint32_t now_ms) {
    auto const& [per_s, burst] = limits_[index(kind)];
    if (per_s <= 0) return true;
    auto& here = shard_of(user);
    std::lock_guard const held{here.lock};
    return here.users.try_emplace(user.str()).first->second[index(kind)].take(per_s, burst, now_ms);
  }
  // Whether take() would.
  bool has(user_id const& user, user_rate kind, std::uint32_t now_ms) {
    auto const& [per_s, burst] = limits_[index(kind)];
    auto& here = shard_of(user);
    std::lock_guard const held{here.lock};
    auto const found = here.users.find(std::string_view{user});
    if (found == here.users.end()) return true;
    auto copy = found->second[index(kind)];
    return copy.take(per_s, burst, now_ms);
  }
  // Takes more for what was let through, as far as there is more.
  void charge(user_id const& user, user_rate kind, float more) {
    auto& here = shard_of(user);
    std::lock_guard const held{here.lock};
    if (auto const found = here.users.find(std::string_view{user}); found != here.users.end())
      found->second[index(kind)].charge(more);
  }
  // Forgets users whose buckets are full, in some of the shards; to be called a few times a second. A storm of
  // connections would leave much to forget otherwise: most buckets are full again in a moment.
  void tick(std::uint32_t now_ms) {
    auto const is_full = [&](auto const& one) {
      for (std::size_t i = 0; i < user_rate_kinds; ++i) {
        if (!one.second[i].is_full(limits_[i].per_s, limits_[i].burst, now_ms)) return false;
      }
      return true;
    };
    for (int n = 0; n < shards_a_tick; ++n) {
      auto& here = shards_[next_.fetch_add(1, std::memory_order_relaxed) % shards_.size()];
      std::lock_guard const held{here.lock};
      if (boost::unordered::erase_if(here.users, is_full) > here.users.size()) here.users.rehash(0);  // to fit
    }
  }
  std::size_t remembered() const {
    std::size_t out = 0;
    for (auto& each : shards_) {
      std::lock_guard const held{each.lock};
      out += each.users.size();
    }
    return out;
  }

 private:
  struct shard {
    mutable std::mutex lock;
    // In one piece: a node for each user, which lives for seconds, would leave holes between the connections' memory.
    boost::unordered_flat_map<std::string, std::array<token_bucket, user_rate_kinds>, id_hash, std::equal_to<>> users;
  };
  static std::size_t index(user_rate kind) { return static_cast<std::size_t>(kind); }
  shard& shard_of(user_id const& user) { return shards_[(id_hash{}(std::string_view{user}) >> 32) % shards_.size()]; }

  static constexpr int shards_a_tick = 8;
  limits const limits_;
  std::array<shard, 32> shards_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace hiky::chat
