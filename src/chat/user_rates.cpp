// SPDX-License-Identifier: Apache-2.0
#include "chat/user_rates.hpp"

#include <boost/hash2/siphash.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <mutex>
#include <random>

#include "base/token_bucket.hpp"

namespace hiky::chat {
namespace {

constexpr std::size_t shards = 32, shards_a_tick = 8;
constexpr std::uint64_t kind_bits = 7;

struct as_it_is {
  using is_avalanching = void;
  std::size_t operator()(std::uint64_t key) const { return key; }
};

std::array<std::uint64_t, 2> random_secret() {
  std::random_device source;
  auto const word = [&] { return std::uint64_t{source()} << 32 | source(); };
  return {word(), word()};
}

}  // namespace

// In one piece, and small: after a storm of connections each user has a bucket for some seconds, and a node for each
// would leave holes between the connections' memory. So a user is known by 61 bits of a hash, which has a secret key:
// nobody can find a name that shares another user's buckets.
struct user_rates::shard {
  mutable std::mutex lock;
  boost::unordered_flat_map<std::uint64_t, token_bucket, as_it_is> buckets;
};

user_rates::user_rates(limits all) : limits_(all), secret_(random_secret()), shards_(new shard[shards]) {}
user_rates::~user_rates() = default;

user_rates::place user_rates::place_of(user_id const& user, user_rate kind) const {
  boost::hash2::siphash_64 hash{reinterpret_cast<unsigned char const*>(secret_.data()), sizeof secret_};
  hash.update(user.str().data(), user.str().size());
  auto const bits = hash.result();
  return {shards_[bits >> 32 & (shards - 1)], (bits & ~kind_bits) | static_cast<std::uint64_t>(kind)};
}

bool user_rates::take(user_id const& user, user_rate kind, std::uint32_t now_ms) {
  auto const& [per_s, burst] = limit_of(kind);
  if (per_s <= 0) return true;
  auto const [in, key] = place_of(user, kind);
  std::lock_guard const held{in.lock};
  return in.buckets[key].take(per_s, burst, now_ms);
}

bool user_rates::has(user_id const& user, user_rate kind, std::uint32_t now_ms) const {
  auto const& [per_s, burst] = limit_of(kind);
  auto const [in, key] = place_of(user, kind);
  std::lock_guard const held{in.lock};
  auto const found = in.buckets.find(key);
  if (found == in.buckets.end()) return true;
  auto copy = found->second;
  return copy.take(per_s, burst, now_ms);
}

void user_rates::charge(user_id const& user, user_rate kind, float more) {
  auto const [in, key] = place_of(user, kind);
  std::lock_guard const held{in.lock};
  if (auto const found = in.buckets.find(key); found != in.buckets.end()) found->second.charge(more);
}

void user_rates::tick(std::uint32_t now_ms) {
  auto const is_full = [&](auto const& one) {
    auto const& [per_s, burst] = limits_[one.first & kind_bits];
    return one.second.is_full(per_s, burst, now_ms);
  };
  for (std::size_t n = 0; n < shards_a_tick; ++n) {
    auto& here = shards_[next_.fetch_add(1, std::memory_order_relaxed) % shards];
    std::lock_guard const held{here.lock};
    if (boost::unordered::erase_if(here.buckets, is_full) > here.buckets.size()) here.buckets.rehash(0);  // to fit
  }
}

std::size_t user_rates::remembered() const {
  std::size_t out = 0;
  for (std::size_t i = 0; i < shards; ++i) {
    std::lock_guard const held{shards_[i].lock};
    out += shards_[i].buckets.size();
  }
  return out;
}

}  // namespace hiky::chat
