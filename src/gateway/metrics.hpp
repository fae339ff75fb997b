// SPDX-License-Identifier: Apache-2.0
// `/metrics` in Prometheus's text format, from what the workers counted.
#pragma once
#include <array>
#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/token_bucket.hpp"
#include "chat/bus/bus.hpp"
#include "chat/counters.hpp"
#include "chat/upkeep/forgetter.hpp"
#include "chat/upkeep/janitor.hpp"
#include "gateway/door/admission.hpp"
#include "gateway/exposition.hpp"
#include "redis/client.hpp"

namespace hiky::gateway {

class metrics {
 public:
  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

  // By database, in the order of their flags; none where it is not used.
  using redis_counts = std::array<redis::counters const*, 4>;

  metrics(std::string instance, std::string send_method)
      : instance_(std::move(instance)), send_method_(std::move(send_method)) {}
  // Both outlive this.
  void add_worker(chat::counters const& count, redis_counts const& redis) { workers_.push_back({&count, redis}); }
  void watch(admission const& doors) { doors_ = &doors; }
  void watch(chat::bus const& channel, chat::janitor const& sweeper, chat::forgetter const& forgetter) {
    bus_ = &channel, janitor_ = &sweeper, forgetter_ = &forgetter;
  }
  // From any thread. Made anew each time, unless it is asked for so often that to make it would keep others waiting:
  // then up to a second old.
  std::string text() const;

 private:
  std::string make_text() const;
  double sum_of(counter chat::counters::* value) const;
  template <std::size_t Size>
  double sum_of(std::array<counter, Size> chat::counters::* values, std::size_t i) const;
  std::vector<histogram const*> parts_of(histogram chat::counters::* value) const;
  void add_traffic(metric_families& to) const;
  void add_limits(metric_families& to) const;
  void add_redis(metric_families& to) const;
  void add_bus(metric_families& to) const;
  void add_forgotten(metric_families& to) const;
  void add_identity(metric_families& to) const;
  void add_doors(metric_families& to) const;

  struct source {
    chat::counters const* chat;
    redis_counts redis;
  };
  std::string instance_, send_method_;
  std::vector<source> workers_;
  admission const* doors_ = nullptr;
  chat::bus const* bus_ = nullptr;
  chat::janitor const* janitor_ = nullptr;
  chat::forgetter const* forgetter_ = nullptr;
  mutable std::mutex lock_;  // of what follows
  mutable token_bucket fresh_;
  mutable std::string made_;
  mutable std::chrono::steady_clock::time_point made_at_{};
};

}  // namespace hiky::gateway
