// SPDX-License-Identifier: Apache-2.0
// Decides which connections may come in: counts them, all and by address, and knows when memory runs short. Shared by
// all workers; its lock is taken when a connection begins and ends, never for a message.
#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <expected>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/token_bucket.hpp"
#include "gateway/door/peer_address.hpp"

namespace hiky::gateway {

struct admission_limits {
  std::size_t connections = 0;         // of this instance; 0: no limit, as everywhere here
  std::size_t per_address = 1024;      // an IPv6 address counts as its /64
  float accepts_per_s = 100, accept_burst = 1000;   // per address
  bool spare_loopback = true;          // the limits per address leave out this machine's own
  std::uint64_t memory = 0;            // resident bytes of the process
  std::vector<address_range> trusted_proxies{};  // are believed for whom they speak, and not limited themselves
  bool trust_unix = false;                       // the same for whoever comes by a Unix socket
};

enum class no_entry : std::uint8_t { address_connections, address_rate, connections, memory };
inline constexpr std::size_t no_entry_kinds = 4;
std::string_view to_string(no_entry why);
// One sentence for the client.
std::string_view explained(no_entry why);

class admission {
  struct entry;

 public:
  // One connection's place. Given back by its end.
  class seat {
   public:
    seat() = default;
    seat(seat&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)),
          at_(std::exchange(other.at_, nullptr)),
          address_(other.address_) {}
    seat& operator=(seat&& other) noexcept {
      std::swap(owner_, other.owner_);
      std::swap(at_, other.at_);
      std::swap(address_, other.address_);
      return *this;
    }
    ~seat() {
      if (owner_) owner_->leave(*this);
    }
    peer_address const& address() const { return address_; }

   private:
    friend class admission;
    admission* owner_ = nullptr;
    entry* at_ = nullptr;  // set when counted by address
    peer_address address_;
  };

  explicit admission(admission_limits limits) : limits_(std::move(limits)) {}
  admission(admission const&) = delete;
  admission& operator=(admission const&) = delete;

  // From any thread, as all of these. A few connections more than the limit get in, so that /health and /metrics answer
  // when the instance is full: whoever wants a WebSocket asks `may_stay` as well.
  std::expected<seat, no_entry> enter(peer_address from);
  std::expected<void, no_entry> may_stay();
  // A trusted proxy has said for whom it speaks. The seat stays what it was when that one has too many already.
  std::expected<void, no_entry> speaks_for(seat& s, peer_address client);

  // Takes one page of those that are made anew for each (/metrics) and that an address may fetch in a second. False
  // when there is none left.
  bool may_fetch(peer_address const& client);

  bool is_trusted(peer_address const& a) const;
  admission_limits const& limits() const { return limits_; }
  // Looks at the clock, and at the process's memory; a few times a second.
  void tick(std::chrono::steady_clock::time_point now);
  // Memory is short: what can be given up should be.
  bool under_pressure() const { return pressed_.load(std::memory_order_relaxed); }

  std::size_t present() const { return present_.load(std::memory_order_relaxed); }
  std::uint64_t refused(no_entry why) const {
    return refused_[static_cast<std::size_t>(why)].load(std::memory_order_relaxed);
  }

 private:
  using clock = std::chrono::steady_clock;
  struct entry {
    std::size_t connections = 0;
    float tokens = 0;
    clock::time_point refilled{};
    token_bucket pages;
  };

  std::expected<entry*, no_entry> enter_address(peer_address const& a, bool fresh);
  bool is_spared(peer_address const& a) const;
  void refill(entry& e, clock::time_point now) const;
  void leave(seat& s);
  std::unexpected<no_entry> refuse(no_entry why);

  admission_limits const limits_;
  std::atomic<std::size_t> present_{0};
  std::atomic<bool> pressed_{false};
  std::array<std::atomic<std::uint64_t>, no_entry_kinds> refused_{};
  std::mutex lock_;
  std::unordered_map<peer_address, entry, peer_address_hash>
      addresses_;  // by customer; those who have left stay until their rate is full again
  clock::time_point trimmed_{};
  std::atomic<std::int64_t> said_s_{0};
};

}  // namespace hiky::gateway
