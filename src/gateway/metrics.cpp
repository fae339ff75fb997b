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
#include "gateway/http/read_request.hpp"
#include "gateway/metric_rows.hpp"
#include "gateway/ws/frame.hpp"

namespace hiky::gateway {
namespace {

using namespace std::chrono_literals;
using chat::counters;

constexpr float texts_per_s = 20, text_burst = 200;  // made anew

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
static_assert(unread.size() == static_cast<std::size_t>(no_request::closed));
static_assert(unread.size() == std::tuple_size_v<decltype(counters::unread_requests)>);
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
  for (auto const& r : metric_rows)
    families.push_back((r.type == prometheus::MetricType::Gauge ? gauge : count)(r.name, r.help, sum_of(r.value)));
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
