// SPDX-License-Identifier: Apache-2.0
// `/metrics` in Prometheus's text format, from what the workers counted.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "chat/counters.hpp"
#include "gateway/admission.hpp"
#include "redis/client.hpp"

namespace hiky::gateway {

class metrics {
 public:
  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

  metrics(std::string instance, std::string send_method) : instance_(std::move(instance)), send_method_(std::move(send_method)) {}
  // Both outlive this.
  void add_worker(chat::counters const& count, redis::counters const& redis) { workers_.push_back({&count, &redis}); }
  void watch(admission const& doors) { doors_ = &doors; }
  // From any thread.
  std::string text() const;

 private:
  struct source {
    chat::counters const* chat;
    redis::counters const* redis;
  };
  std::string instance_, send_method_;
  std::vector<source> workers_;
  admission const* doors_ = nullptr;
};

}  // namespace hiky::gateway
