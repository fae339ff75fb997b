// SPDX-License-Identifier: Apache-2.0
// The metrics of the parts beside the chat: Redis, the bus, the janitor, the forgetter, the doors.
#include <array>

#include "gateway/metrics.hpp"

namespace hiky::gateway {
namespace {

constexpr std::array databases{"app", "ws", "cache", "session"};  // metrics::redis_counts

}  // namespace

void metrics::add_redis(metric_families& to) const {
  labelled asked{"hiky_redis_requests_total", "Requests sent to Redis, by database", "db"};
  labelled connects{"hiky_redis_connects_total", "Connections made to Redis, by database", "db"};
  labelled failures{"hiky_redis_connect_failures_total", "Attempts to connect to Redis that failed, by database", "db"};
  labelled_parts trips;
  for (std::size_t i = 0; i < databases.size(); ++i) {
    double sent = 0, made = 0, failed = 0;
    std::vector<histogram const*> parts;
    for (auto const& w : workers_) {
      auto const* one = w.redis[i];
      if (!one) continue;
      sent += static_cast<double>(one->requests.load(std::memory_order_relaxed));
      made += static_cast<double>(one->connects.load(std::memory_order_relaxed));
      failed += static_cast<double>(one->failures.load(std::memory_order_relaxed));
      parts.push_back(&one->round_trips);
    }
    if (parts.empty()) continue;
    asked.add(databases[i], sent);
    connects.add(databases[i], made);
    failures.add(databases[i], failed);
    trips.emplace_back(databases[i], std::move(parts));
  }
  for (auto* each : {&asked, &connects, &failures}) to.push_back(each->take());
  to.push_back(sum("hiky_redis_round_trip_seconds", "From a request to Redis to its answer, by database", "db", trips));
}

void metrics::add_bus(metric_families& to) const {
  if (bus_) {
    to.push_back(gauge("hiky_bus_up", "1 while this instance hears the others through Redis", bus_->alive() ? 1 : 0));
    to.push_back(gauge("hiky_bus_lag_seconds", "How long the latest canary took through Redis and back",
                       std::chrono::duration<double>(bus_->lag()).count()));
    to.push_back(count("hiky_gaps_total", "Times that a room lost messages for good, which its clients were told",
                       static_cast<double>(bus_->gaps())));
  }
  if (janitor_) {
    auto const& n = janitor_->count();
    auto const now = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds{1};
    to.push_back(
        gauge("hiky_redis_refuses_writes", "1 while Redis answers and takes no writes", janitor_->refusal() ? 1 : 0));
    to.push_back(
        count("hiky_lease_renewals_total", "Renewals of this instance's lease", static_cast<double>(n.renewals)));
    to.push_back(
        count("hiky_lease_failures_total", "Renewals that Redis did not answer", static_cast<double>(n.failures)));
    to.push_back(count("hiky_lease_losses_total",
                       "Times that Redis had lost this instance, which put its connections back",
                       static_cast<double>(n.losses)));
    to.push_back(
        gauge("hiky_lease_age_seconds", "Since the latest renewal", static_cast<double>(now - n.renewed_at_ns) * 1e-9));
    to.push_back(count("hiky_sweeps_total", "Ended instances that this one has undone", static_cast<double>(n.sweeps)));
    to.push_back(count("hiky_swept_connections_total", "Connections of ended instances that were undone",
                       static_cast<double>(n.swept_connections)));
  }
}

void metrics::add_forgotten(metric_families& to) const {
  if (!forgetter_) return;
  to.push_back(count("hiky_forgotten_users_total",
                     "Users who were not seen for long, and for whom nothing waits any more",
                     static_cast<double>(forgetter_->users())));
  to.push_back(count("hiky_forgotten_memberships_total", "Memberships in rooms that ended with them",
                     static_cast<double>(forgetter_->memberships())));
}

void metrics::add_doors(metric_families& to) const {
  if (!doors_) return;
  labelled refused{"hiky_refused_connections_total", "Connections and handshakes refused by a limit", "limit"};
  for (std::size_t i = 0; i < no_entry_kinds; ++i) {
    auto const why = static_cast<no_entry>(i);
    refused.add(std::string{to_string(why)}, static_cast<double>(doors_->refused(why)));
  }
  to.push_back(refused.take());
  to.push_back(gauge("hiky_sockets", "Connections of every kind open now, HTTP and half-open handshakes included",
                     static_cast<double>(doors_->present())));
  to.push_back(gauge("hiky_limit_connections", "Connections this instance may have (0: no limit)",
                     static_cast<double>(doors_->limits().connections)));
  to.push_back(gauge("hiky_limit_memory_bytes", "Memory from which on new connections are refused (0: no limit)",
                     static_cast<double>(doors_->limits().memory)));
}

}  // namespace hiky::gateway
