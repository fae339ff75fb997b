// SPDX-License-Identifier: Apache-2.0
// The rates of users: one bucket of each kind for a user, whatever connections on whatever workers share it, and
// however often they are made anew. A bucket that is full again is forgotten. Shared by all workers.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/ids.hpp"

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
  explicit user_rates(limits all);
  ~user_rates();

  // From any thread, as all of these. Takes one; false when there is none.
  bool take(user_id const& user, user_rate kind, std::uint32_t now_ms);
  // Whether take() would.
  bool has(user_id const& user, user_rate kind, std::uint32_t now_ms) const;
  // Takes more for what was let through, as far as there is more.
  void charge(user_id const& user, user_rate kind, float more);
  // Forgets full buckets, in some of the shards; to be called a few times a second.
  void tick(std::uint32_t now_ms);
  // Buckets that are not forgotten.
  std::size_t remembered() const;

 private:
  struct shard;
  struct place {
    shard& in;
    std::uint64_t key;
  };
  place place_of(user_id const& user, user_rate kind) const;
  limit const& limit_of(user_rate kind) const { return limits_[static_cast<std::size_t>(kind)]; }

  limits const limits_;
  std::array<std::uint64_t, 2> const secret_;
  std::unique_ptr<shard[]> const shards_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace hiky::chat
