// SPDX-License-Identifier: Apache-2.0
#include "gateway/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>

#include "base/version.hpp"

namespace hiky::gateway {
namespace {

using chat::counter;
using chat::counters;
using prometheus::MetricType;

struct row {
  char const* name;
  char const* help;
  MetricType type;
  counter counters::* value;
};

constexpr std::array rows{
    row{"hiky_connections", "WebSocket connections open now", MetricType::Gauge, &counters::connections},
    row{"hiky_registered_connections", "Connections with an identity now", MetricType::Gauge, &counters::registered_connections},
    row{"hiky_accepted_connections_total", "Connections accepted, HTTP included", MetricType::Counter, &counters::accepted},
    row{"hiky_registers_total", "Registers that succeeded", MetricType::Counter, &counters::registers},
    row{"hiky_frames_received_total", "Text frames received from clients", MetricType::Counter, &counters::frames_in},
    row{"hiky_frames_refused_total", "Requests answered with an error frame", MetricType::Counter, &counters::frames_refused},
    row{"hiky_messages_received_total", "Chat messages received from clients", MetricType::Counter, &counters::messages_in},
    row{"hiky_messages_published_total", "Chat messages that Redis has stored", MetricType::Counter, &counters::messages_published},
    row{"hiky_typing_received_total", "Typing changes received and passed on", MetricType::Counter, &counters::typing_in},
    row{"hiky_deliveries_total", "Frames handed to connections for others' doings", MetricType::Counter, &counters::deliveries},
    row{"hiky_offline_messages_delivered_total", "Messages delivered from offline queues", MetricType::Counter, &counters::offline_delivered},
    row{"hiky_sent_bytes_total", "WebSocket bytes given to the kernel", MetricType::Counter, &counters::bytes_sent},
    row{"hiky_shed_frames_total", "Typing and presence frames left out for slow readers", MetricType::Counter, &counters::shed_frames},
    row{"hiky_slow_connections_closed_total", "Connections closed because their reader was too slow", MetricType::Counter, &counters::slow_closed},
    row{"hiky_proxy_connections_refused_total", "Connections without a right PROXY header, or not from a trusted proxy", MetricType::Counter,
        &counters::proxy_refused},
    row{"hiky_tls_handshakes_failed_total", "TLS handshakes that failed or took too long", MetricType::Counter, &counters::tls_failed},
    row{"hiky_rate_limited_total", "Requests refused because their connection sent too many", MetricType::Counter, &counters::rate_limited},
    row{"hiky_flooding_connections_closed_total", "Connections closed because they went on sending what was refused (4429)", MetricType::Counter,
        &counters::flooding_closed},
    row{"hiky_unregistered_connections_closed_total", "Connections closed because they did not register in time (4408)", MetricType::Counter,
        &counters::unregistered_closed},
    row{"hiky_silent_connections_dropped_total", "Connections dropped because no pong came", MetricType::Counter, &counters::silent_dropped},
    row{"hiky_kicked_connections_total", "Connections ended by an operator (4403)", MetricType::Counter, &counters::kicked},
    row{"hiky_replaced_connections_total", "Connections ended because their user opened too many (4409)", MetricType::Counter, &counters::replaced},
    row{"hiky_banned_registers_total", "Registers of users whom an operator keeps out", MetricType::Counter, &counters::banned},
};

prometheus::MetricFamily family(char const* name, char const* help, MetricType type, double value) {
  prometheus::MetricFamily out;
  out.name = name;
  out.help = help;
  out.type = type;
  auto& metric = out.metric.emplace_back();
  if (type == MetricType::Gauge) metric.gauge.value = value;
  else metric.counter.value = value;
  return out;
}

}  // namespace

std::string metrics::text() const {
  std::vector<prometheus::MetricFamily> families;
  for (auto const& r : rows) {
    double sum = 0;
    for (auto const& w : workers_) sum += static_cast<double>((w.chat->*r.value).get());
    families.push_back(family(r.name, r.help, r.type, sum));
  }
  double requests = 0, connects = 0, failures = 0;
  for (auto const& w : workers_) {
    requests += static_cast<double>(w.redis->requests.load(std::memory_order_relaxed));
    connects += static_cast<double>(w.redis->connects.load(std::memory_order_relaxed));
    failures += static_cast<double>(w.redis->failures.load(std::memory_order_relaxed));
  }
  families.push_back(family("hiky_redis_requests_total", "Requests sent to Redis's WebSocket database", MetricType::Counter, requests));
  families.push_back(family("hiky_redis_connects_total", "Connections made to Redis's WebSocket database", MetricType::Counter, connects));
  families.push_back(family("hiky_redis_connect_failures_total", "Attempts to connect to Redis that failed", MetricType::Counter, failures));
  if (doors_) {
    prometheus::MetricFamily refused;
    refused.name = "hiky_refused_connections_total";
    refused.help = "Connections and handshakes refused by a limit";
    refused.type = MetricType::Counter;
    for (std::size_t i = 0; i < no_entry_kinds; ++i) {
      auto const why = static_cast<no_entry>(i);
      auto& one = refused.metric.emplace_back();
      one.label = {{"limit", std::string{to_string(why)}}};
      one.counter.value = static_cast<double>(doors_->refused(why));
    }
    families.push_back(std::move(refused));
    families.push_back(family("hiky_sockets", "Connections of every kind open now, HTTP and half-open handshakes included", MetricType::Gauge,
                              static_cast<double>(doors_->present())));
    families.push_back(family("hiky_limit_connections", "Connections this instance may have (0: no limit)", MetricType::Gauge,
                              static_cast<double>(doors_->limits().connections)));
    families.push_back(
        family("hiky_resident_memory_bytes", "Memory that the process holds", MetricType::Gauge, static_cast<double>(doors_->resident_bytes())));
    families.push_back(family("hiky_limit_memory_bytes", "Memory from which on new connections are refused (0: no limit)", MetricType::Gauge,
                              static_cast<double>(doors_->limits().memory)));
  }
  families.push_back(family("hiky_workers", "Worker threads", MetricType::Gauge, static_cast<double>(workers_.size())));
  auto build = family("hiky_build_info", "Always 1; the labels tell what runs", MetricType::Gauge, 1);
  build.metric[0].label = {{"version", version}, {"instance_id", instance_}, {"send", send_method_}};
  families.push_back(std::move(build));
  return prometheus::TextSerializer{}.Serialize(families);
}

}  // namespace hiky::gateway
