// SPDX-License-Identifier: Apache-2.0
// What a worker has done, counted without locks: written by the worker's own thread, read by whoever asks for metrics.
#pragma once
#include <atomic>
#include <cstdint>

namespace hiky::chat {

class counter {
 public:
  void add(std::uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void sub(std::uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct counters {
  counter connections, registered_connections;                    // now
  counter accepted, registers, frames_in, messages_in, messages_published, frames_refused;
  counter deliveries, bytes_sent, shed_frames, slow_closed, offline_delivered, typing_in;
  counter proxy_refused, tls_failed, rate_limited, flooding_closed, unregistered_closed, silent_dropped;
  counter kicked, replaced, banned;  // connections ended for others' reasons; registers of banned users
};

}  // namespace hiky::chat
