// SPDX-License-Identifier: Apache-2.0
// The plain metrics: numbers that each worker counts, and that are told as their sum.
#pragma once
#include <prometheus/metric_type.h>

#include <array>

#include "chat/counters.hpp"

namespace hiky::gateway {

struct metric_row {
  static constexpr auto gauge = prometheus::MetricType::Gauge, count = prometheus::MetricType::Counter;
  char const* name;
  char const* help;
  prometheus::MetricType type;
  counter chat::counters::* value;
};

inline constexpr std::array metric_rows{
    metric_row{"hiky_connections", "WebSocket connections open now", metric_row::gauge, &chat::counters::connections},
    metric_row{"hiky_outbox_bytes", "Bytes that wait for slow readers now", metric_row::gauge,
               &chat::counters::outbox_bytes},
    metric_row{"hiky_registered_connections", "Connections with an identity now", metric_row::gauge,
               &chat::counters::registered_connections},
    metric_row{"hiky_accepted_connections_total", "Connections accepted, HTTP included", metric_row::count,
               &chat::counters::accepted},
    metric_row{"hiky_registers_total", "Registers that succeeded", metric_row::count, &chat::counters::registers},
    metric_row{"hiky_frames_received_total", "Text frames received from clients", metric_row::count,
               &chat::counters::frames_in},
    metric_row{"hiky_messages_received_total", "Chat messages received from clients", metric_row::count,
               &chat::counters::messages_in},
    metric_row{"hiky_messages_published_total", "Chat messages that Redis has stored", metric_row::count,
               &chat::counters::messages_published},
    metric_row{"hiky_typing_received_total", "Typing changes received and passed on", metric_row::count,
               &chat::counters::typing_in},
    metric_row{"hiky_offline_messages_delivered_total", "Messages delivered from offline queues", metric_row::count,
               &chat::counters::offline_delivered},
    metric_row{"hiky_sent_bytes_total", "WebSocket bytes given to the kernel", metric_row::count,
               &chat::counters::bytes_sent},
    metric_row{"hiky_deflated_frames_total", "Frames compressed, once each however many get them", metric_row::count,
               &chat::counters::deflated},
    metric_row{"hiky_saved_bytes_total", "WebSocket bytes that need not be sent, thanks to compression",
               metric_row::count, &chat::counters::saved_bytes},
    metric_row{"hiky_inflated_messages_total", "Messages that came compressed", metric_row::count,
               &chat::counters::inflated},
    metric_row{"hiky_slow_connections_closed_total", "Connections closed because their reader was too slow",
               metric_row::count, &chat::counters::slow_closed},
    metric_row{"hiky_proxy_connections_refused_total",
               "Connections without a right PROXY header, or not from a trusted proxy", metric_row::count,
               &chat::counters::proxy_refused},
    metric_row{"hiky_tls_handshakes_failed_total", "TLS handshakes that failed or took too long", metric_row::count,
               &chat::counters::tls_failed},
    metric_row{"hiky_rests_total",
               "Times that a connection was not read from for a moment, because much of what it wants is refused",
               metric_row::count, &chat::counters::rests},
    metric_row{"hiky_full_backlogs_total",
               "Times that a connection was not read from because too many of its requests waited", metric_row::count,
               &chat::counters::full_backlogs},
    metric_row{"hiky_requests_dropped_total",
               "Requests that were not carried out, since their clients had closed and too many such waited",
               metric_row::count, &chat::counters::requests_dropped},
    metric_row{"hiky_excess_pings_total",
               "WebSocket pings beyond 16 in one read, of which the latest alone is answered", metric_row::count,
               &chat::counters::excess_pings},
    metric_row{"hiky_slowed_inflations_total",
               "Times that a connection was not read from because too much had come out of its compressed messages",
               metric_row::count, &chat::counters::slowed_inflations},
    metric_row{"hiky_rooms_limited_total", "Rooms refused because their connection has as many as it may",
               metric_row::count, &chat::counters::rooms_limited},
    metric_row{"hiky_participants_truncated_total",
               "Answers to joinRoom that do not name all participants, since there are too many", metric_row::count,
               &chat::counters::participants_truncated},
    metric_row{"hiky_unrecovered_rooms_total", "Rooms of a resume or since of which not all that was missed came back",
               metric_row::count, &chat::counters::unrecovered},
    metric_row{"hiky_offline_messages_dropped_total",
               "Messages that full mailboxes had discarded, as their users were told", metric_row::count,
               &chat::counters::offline_dropped},
    metric_row{"hiky_delayed_pages_total", "Pages answered later because their HTTP connection asks for too many",
               metric_row::count, &chat::counters::delayed_pages},
    metric_row{"hiky_refused_pages_total",
               "Requests for /metrics answered with 429 because their address asks for too many", metric_row::count,
               &chat::counters::refused_pages},
    metric_row{"hiky_flooding_connections_closed_total",
               "Connections closed because they went on sending what was refused (4429)", metric_row::count,
               &chat::counters::flooding_closed},
    metric_row{"hiky_unregistered_connections_closed_total",
               "Connections closed because they did not register in time (4408)", metric_row::count,
               &chat::counters::unregistered_closed},
    metric_row{"hiky_silent_connections_dropped_total", "Connections dropped because no pong came", metric_row::count,
               &chat::counters::silent_dropped},
    metric_row{"hiky_kicked_connections_total", "Connections ended by an operator (4403)", metric_row::count,
               &chat::counters::kicked},
    metric_row{"hiky_replaced_connections_total", "Connections ended because their user opened too many (4409)",
               metric_row::count, &chat::counters::replaced},
    metric_row{"hiky_undone_connections_total", "Connections that Redis listed as this instance's, and that had ended",
               metric_row::count, &chat::counters::undone},
    metric_row{"hiky_banned_registers_total", "Registers of users whom an operator keeps out", metric_row::count,
               &chat::counters::banned},
    metric_row{"hiky_origins_refused_total", "Handshakes refused because pages of their origin may not connect",
               metric_row::count, &chat::counters::origins_refused},
    metric_row{"hiky_room_hook_cached_answers_total",
               "Answers about rooms that came from the cache, without a question to the application", metric_row::count,
               &chat::counters::room_hook_cached},
    metric_row{"hiky_room_hook_delayed_questions_total",
               "Questions to the application that waited, since it is asked too often about their user",
               metric_row::count, &chat::counters::room_hook_delayed},
};

}  // namespace hiky::gateway
