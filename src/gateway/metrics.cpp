// SPDX-License-Identifier: Apache-2.0
#include "gateway/metrics.hpp"

#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>

#include "base/version.hpp"
#include "chat/protocol/frame_type.hpp"
#include "chat/protocol/protocol.hpp"
#include "chat/session.hpp"
#include "gateway/http.hpp"

namespace hiky::gateway {
namespace {

using namespace std::chrono_literals;
using chat::counters;
using prometheus::MetricType;

struct row {
  char const* name;
  char const* help;
  MetricType type;
  counter counters::* value;
};

constexpr float texts_per_s = 20, text_burst = 200;  // made anew

constexpr std::array rows{
    row{"hiky_connections", "WebSocket connections open now", MetricType::Gauge, &counters::connections},
    row{"hiky_outbox_bytes", "Bytes that wait for slow readers now", MetricType::Gauge, &counters::outbox_bytes},
    row{"hiky_registered_connections", "Connections with an identity now", MetricType::Gauge,
        &counters::registered_connections},
    row{"hiky_accepted_connections_total", "Connections accepted, HTTP included", MetricType::Counter,
        &counters::accepted},
    row{"hiky_registers_total", "Registers that succeeded", MetricType::Counter, &counters::registers},
    row{"hiky_frames_received_total", "Text frames received from clients", MetricType::Counter, &counters::frames_in},
    row{"hiky_messages_received_total", "Chat messages received from clients", MetricType::Counter,
        &counters::messages_in},
    row{"hiky_messages_published_total", "Chat messages that Redis has stored", MetricType::Counter,
        &counters::messages_published},
    row{"hiky_typing_received_total", "Typing changes received and passed on", MetricType::Counter,
        &counters::typing_in},
    row{"hiky_offline_messages_delivered_total", "Messages delivered from offline queues", MetricType::Counter,
        &counters::offline_delivered},
    row{"hiky_sent_bytes_total", "WebSocket bytes given to the kernel", MetricType::Counter, &counters::bytes_sent},
    row{"hiky_deflated_frames_total", "Frames compressed, once each however many get them", MetricType::Counter,
        &counters::deflated},
    row{"hiky_saved_bytes_total", "WebSocket bytes that need not be sent, thanks to compression", MetricType::Counter,
        &counters::saved_bytes},
    row{"hiky_inflated_messages_total", "Messages that came compressed", MetricType::Counter, &counters::inflated},
    row{"hiky_slow_connections_closed_total", "Connections closed because their reader was too slow",
        MetricType::Counter, &counters::slow_closed},
    row{"hiky_proxy_connections_refused_total", "Connections without a right PROXY header, or not from a trusted proxy",
        MetricType::Counter, &counters::proxy_refused},
    row{"hiky_tls_handshakes_failed_total", "TLS handshakes that failed or took too long", MetricType::Counter,
        &counters::tls_failed},
    row{"hiky_rests_total",
        "Times that a connection was not read from for a moment, because much of what it wants is refused",
        MetricType::Counter, &counters::rests},
    row{"hiky_full_backlogs_total", "Times that a connection was not read from because too many of its requests waited",
        MetricType::Counter, &counters::full_backlogs},
    row{"hiky_requests_dropped_total",
        "Requests that were not carried out, since their clients had closed and too many such waited",
        MetricType::Counter, &counters::requests_dropped},
    row{"hiky_excess_pings_total", "WebSocket pings beyond 16 in one read, of which the latest alone is answered",
        MetricType::Counter, &counters::excess_pings},
    row{"hiky_rooms_limited_total", "Rooms refused because their connection has as many as it may", MetricType::Counter,
        &counters::rooms_limited},
    row{"hiky_participants_truncated_total",
        "Answers to joinRoom that do not name all participants, since there are too many", MetricType::Counter,
        &counters::participants_truncated},
    row{"hiky_unrecovered_rooms_total", "Rooms of a resume or since of which not all that was missed came back",
        MetricType::Counter, &counters::unrecovered},
    row{"hiky_offline_messages_dropped_total", "Messages that full mailboxes had discarded, as their users were told",
        MetricType::Counter, &counters::offline_dropped},
    row{"hiky_delayed_pages_total", "Pages answered later because their HTTP connection asks for too many",
        MetricType::Counter, &counters::delayed_pages},
    row{"hiky_refused_pages_total", "Requests for /metrics answered with 429 because their address asks for too many",
        MetricType::Counter, &counters::refused_pages},
    row{"hiky_flooding_connections_closed_total",
        "Connections closed because they went on sending what was refused (4429)", MetricType::Counter,
        &counters::flooding_closed},
    row{"hiky_unregistered_connections_closed_total", "Connections closed because they did not register in time (4408)",
        MetricType::Counter, &counters::unregistered_closed},
    row{"hiky_silent_connections_dropped_total", "Connections dropped because no pong came", MetricType::Counter,
        &counters::silent_dropped},
    row{"hiky_kicked_connections_total", "Connections ended by an operator (4403)", MetricType::Counter,
        &counters::kicked},
    row{"hiky_replaced_connections_total", "Connections ended because their user opened too many (4409)",
        MetricType::Counter, &counters::replaced},
    row{"hiky_undone_connections_total", "Connections that Redis listed as this instance's, and that had ended",
        MetricType::Counter, &counters::undone},
    row{"hiky_banned_registers_total", "Registers of users whom an operator keeps out", MetricType::Counter,
        &counters::banned},
    row{"hiky_origins_refused_total", "Handshakes refused because pages of their origin may not connect",
        MetricType::Counter, &counters::origins_refused},
    row{"hiky_room_hook_cached_answers_total",
        "Answers about rooms that came from the cache, without a question to the application", MetricType::Counter,
        &counters::room_hook_cached},
    row{"hiky_room_hook_delayed_questions_total",
        "Questions to the application that waited, since it is asked too often about their user", MetricType::Counter,
        &counters::room_hook_delayed},
};

// In the order of chat::request::body.
constexpr std::array requests{"register", "joinRoom",   "leaveRoom", "message", "typing",       "getOnlineStatus",
                              "history",  "offlineAck", "refresh",   "ping",    "participants", "watchPresence"};
static_assert(requests.size() == std::variant_size_v<decltype(chat::request::body)>,
              "a new kind of request needs its name here");
static_assert(requests.size() <= std::tuple_size_v<decltype(counters::received)>);
constexpr std::array classes{"typing", "presence"};  // chat::traffic, of which chat is never left out
static_assert(chat::frame_types.size() <= std::tuple_size_v<decltype(counters::sent)>);
static_assert(violations.size() == std::tuple_size_v<decltype(counters::violations)>);
constexpr std::array rate_limits{"messages", "typing", "requests"};                  // chat::rate_limit
constexpr std::array unread{"malformed", "head", "body", "late", "silent"};          // no_request
static_assert(unread.size() == std::tuple_size_v<decltype(counters::unread_requests)>);
constexpr std::array databases{"app", "ws", "cache", "session"};  // metrics::redis_counts
constexpr std::array modes{"jwt", "session", "open"};        // auth::mode
static_assert(modes.size() == auth::modes);
constexpr std::array room_judgements{"allowed", "refused", "unjudged"};  // chat::room_judgement

}  // namespace

double metrics::sum_of(counter counters::* value) const {
  double out = 0;
  for (auto const& w : workers_) out += static_cast<double>((w.chat->*value).get());
  return out;
}

template <std::size_t Size>
double metrics::sum_of(std::array<counter, Size> counters::* values, std::size_t i) const {
  double out = 0;
  for (auto const& w : workers_) out += static_cast<double>((w.chat->*values)[i].get());
  return out;
}

std::vector<histogram const*> metrics::parts_of(histogram counters::* value) const {
  std::vector<histogram const*> out;
  out.reserve(workers_.size());
  for (auto const& w : workers_) out.push_back(&(w.chat->*value));
  return out;
}

void metrics::add_traffic(metric_families& to) const {
  labelled received{"hiky_requests_total", "Requests received from clients, by type", "type"};
  for (std::size_t i = 0; i < requests.size(); ++i) received.add(requests[i], sum_of(&counters::received, i));
  labelled refused{"hiky_frames_refused_total", "Requests answered with an error frame, by its code", "code"};
  for (std::size_t i = 0; i <= static_cast<std::size_t>(chat::error_code::internal); ++i) {
    refused.add(std::string{to_string(static_cast<chat::error_code>(i))}, sum_of(&counters::refused, i));
  }
  labelled sent{"hiky_frames_sent_total", "Frames handed to connections, by type", "type"};
  for (std::size_t i = 0; i < chat::frame_types.size(); ++i)
    sent.add(std::string{chat::frame_types[i]}, sum_of(&counters::sent, i));
  for (auto* each : {&received, &refused, &sent}) to.push_back(each->take());
  to.push_back(sum("hiky_publish_seconds", "From a message's arrival to Redis's answer that it is stored",
                   parts_of(&counters::publish)));
  to.push_back(sum("hiky_delivery_seconds",
                   "From a message's arrival to the kernel's having it for all receivers of a worker that can take it; "
                   "once per worker with receivers",
                   parts_of(&counters::delivery)));
  to.push_back(sum("hiky_fanout_seconds",
                   "From a read of what Redis published to the kernel's having all frames made of it, a batch each",
                   parts_of(&counters::fanout)));
  labelled answers{"hiky_api_answers_total", "Answers of the HTTP API, by the first digit of their status", "status"};
  for (std::size_t const i : {2, 4, 5}) answers.add(fmt::format("{}xx", i), sum_of(&counters::api_answers, i));
  to.push_back(answers.take());
  labelled limited{"hiky_api_limited_total", "API requests refused with 429, by the limit that was reached", "limit"};
  limited.add("key", sum_of(&counters::api_requests_refused));
  limited.add("wrong_keys", sum_of(&counters::api_guesses_refused));
  to.push_back(limited.take());
  to.push_back(
      sum("hiky_api_request_seconds", "From the arrival of an API request to its answer", parts_of(&counters::api)));
}

void metrics::add_limits(metric_families& to) const {
  labelled shed{"hiky_shed_frames_total", "Frames left out for slow readers; never chat", "class"};
  for (std::size_t i = 0; i < classes.size(); ++i) shed.add(classes[i], sum_of(&counters::shed, i));
  labelled over{"hiky_rate_limited_total", "Requests beyond a rate of their user: refused, or of typing left out",
                "limit"};
  for (std::size_t i = 0; i < rate_limits.size(); ++i) over.add(rate_limits[i], sum_of(&counters::rate_limited, i));
  labelled broken{"hiky_violating_connections_closed_total", "Connections closed for what they sent, by close code",
                  "code"};
  for (std::size_t i = 0; i < violations.size(); ++i) {
    broken.add(fmt::to_string(static_cast<int>(violations[i])), sum_of(&counters::violations, i));
  }
  labelled without{"hiky_unread_requests_total",
                   "HTTP connections closed without a request that could be read, by what was wrong with it", "reason"};
  for (std::size_t i = 0; i < unread.size(); ++i) without.add(unread[i], sum_of(&counters::unread_requests, i));
  for (auto* each : {&shed, &over, &broken, &without}) to.push_back(each->take());
}

void metrics::add_identity(metric_families& to) const {
  auto const total = [this](auto pick) {
    double out = 0;
    for (auto const& w : workers_) out += static_cast<double>(pick(w.chat->identity).get());
    return out;
  };
  labelled judged{"hiky_authentications_total", "Tokens and sessions that clients have shown, by what became of them",
                  "mode", "outcome"};
  for (std::size_t m = 0; m < modes.size(); ++m) {
    for (std::size_t o = 0; o < auth::outcomes; ++o) {
      // There is nothing that could be wrong with a mode that believes everything.
      if (auth::mode{static_cast<std::uint8_t>(m)} == auth::mode::open && o > 0) break;
      judged.add(modes[m], std::string{to_string(auth::outcome{static_cast<std::uint8_t>(o)})},
                 total([&](auth::counters const& c) -> auto const& { return c.judged[m][o]; }));
    }
  }
  labelled entries{"hiky_room_entries_total", "Requests to enter a room, by what the room policy said", "outcome"};
  for (std::size_t i = 0; i < room_judgements.size(); ++i)
    entries.add(room_judgements[i], sum_of(&counters::room_entries, i));
  labelled ended{"hiky_unauthorized_connections_closed_total",
                 "Registered connections ended because their identity was over (4401)", "reason"};
  ended.add("expired", sum_of(&counters::expired));
  ended.add("logged_out", sum_of(&counters::logged_out));
  for (auto* each : {&judged, &entries, &ended}) to.push_back(each->take());
  to.push_back(sum("hiky_room_hook_seconds",
                   "From a question to the application whether somebody may enter a room to its answer",
                   parts_of(&counters::room_hook)));
  to.push_back(count("hiky_jwks_fetches_total", "Times that the JWKS was read",
                     total([](auto const& c) -> auto const& { return c.jwks_fetches; })));
  to.push_back(count("hiky_jwks_fetch_failures_total",
                     "Times that the JWKS could not be read, and the old keys stayed in use",
                     total([](auto const& c) -> auto const& { return c.jwks_failures; })));
}

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

std::string metrics::text() const {
  std::lock_guard const held{lock_};
  auto const now = std::chrono::steady_clock::now();
  auto const ms = static_cast<std::uint32_t>(now.time_since_epoch() / 1ms);
  if (!fresh_.take(texts_per_s, text_burst, ms) && now - made_at_ < 1s) return made_;
  made_ = make_text();
  made_at_ = now;
  return made_;
}

std::string metrics::make_text() const {
  metric_families families;
  for (auto const& r : rows)
    families.push_back((r.type == MetricType::Gauge ? gauge : count)(r.name, r.help, sum_of(r.value)));
  add_traffic(families);
  add_identity(families);
  add_limits(families);
  add_redis(families);
  add_bus(families);
  add_forgotten(families);
  add_doors(families);
  auto const connections = sum_of(&counters::connections);
  families.push_back(gauge("hiky_connection_memory_bytes", "Resident memory of the process for each open connection",
                           resident_memory() / std::max(connections, 1.0)));
  families.push_back(gauge("hiky_workers", "Worker threads", static_cast<double>(workers_.size())));
  auto build = gauge("hiky_build_info", "Always 1; the labels tell what runs", 1);
  build.metric[0].label = {{"version", version}, {"instance_id", instance_}, {"send", send_method_}};
  families.push_back(std::move(build));
  add_process(families);
  return prometheus::TextSerializer{}.Serialize(families);
}

}  // namespace hiky::gateway
