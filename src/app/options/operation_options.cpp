// SPDX-License-Identifier: Apache-2.0
// The options of the groups "Limits", "Operation" and "Help".
#include "app/options/draft.hpp"
#include "app/options/option_groups.hpp"

namespace hiky::app {
namespace {

constexpr std::string_view limits = "Limits", operation = "Operation", help = "Help";

log::level level_of(std::string_view name) {
  using log::level;
  return name == "debug" ? level::debug : name == "warn" ? level::warn : name == "error" ? level::error : level::info;
}

constexpr option table[]{
    {.name = "rate-messages",
     .group = limits,
     .takes = rate{[](auto& d, auto per_second, auto burst) {
       d.config.gateway.flow.messages_per_s = per_second;
       d.config.gateway.flow.message_burst = burst;
     }},
     .initial = "20:60",
     .help = "PER_SECOND[:BURST] messages of one user; 0 = no limit"},
    {.name = "rate-typing",
     .group = limits,
     .takes = rate{[](auto& d, auto per_second, auto burst) {
       d.config.gateway.flow.typing_per_s = per_second;
       d.config.gateway.flow.typing_burst = burst;
     }},
     .initial = "2:4",
     .help = "PER_SECOND[:BURST] typing changes per connection; 0 = no limit"},
    {.name = "limit-frame",
     .group = limits,
     .takes = whole{[](auto& d, auto v) { d.config.gateway.frames.max_message = v; }, 1024, 1 << 30},
     .initial = "65536",
     .help = "largest message in bytes; larger ones close the connection with 1009"},
    {.name = "limit-outbox",
     .group = limits,
     .takes = whole{[](auto& d, auto v) { d.config.gateway.max_outbox = v; }, 64 << 10, 1 << 30},
     .initial = "1048576",
     .help = "bytes queued for one connection before it is closed as slow"},
    {.name = "limit-rooms",
     .group = limits,
     .takes = whole{[](auto& d, auto v) { d.config.gateway.flow.rooms_per_connection = v; }, 1, 1 << 20},
     .initial = "512",
     .help = "rooms per connection"},
    {.name = "rate-requests",
     .group = limits,
     .takes = rate{[](auto& d, auto per_second, auto burst) {
       d.config.gateway.flow.requests_per_s = per_second;
       d.config.gateway.flow.request_burst = burst;
     }},
     .initial = "50:1000",
     .help = "PER_SECOND[:BURST] requests other than messages of one user; 0 = no limit"},
    {.name = "rate-refusals",
     .group = limits,
     .takes = rate{[](auto& d, auto per_second, auto burst) {
       d.config.gateway.flow.refusals_per_s = per_second;
       d.config.gateway.flow.refusal_burst = burst;
     }},
     .initial = "5:200",
     .help =
         "PER_SECOND[:BURST] refused requests of one user, before the connection is closed with 4429; 0 = no limit"},
    {.name = "limit-connections",
     .group = limits,
     .takes = whole{[](auto& d, auto v) { d.config.gateway.admission.connections = v; }, 1, 1 << 24},
     .help = "connections of this instance; default: as many as open files allow"},
    {.name = "limit-address-connections",
     .group = limits,
     .takes = whole{[](auto& d, auto v) { d.config.gateway.admission.per_address = v; }, 0, 1 << 24},
     .initial = "1024",
     .help = "connections of one IP address (IPv6: of its /64) to this instance; loopback is left out unless this is "
             "given; 0 = no limit"},
    {.name = "rate-accepts",
     .group = limits,
     .takes = rate{[](auto& d, auto per_second, auto burst) {
       d.config.gateway.admission.accepts_per_s = per_second;
       d.config.gateway.admission.accept_burst = burst;
     }},
     .initial = "100:1000",
     .help = "PER_SECOND[:BURST] new connections of one IP address, likewise; 0 = no limit"},
    {.name = "rate-api",
     .group = limits,
     .takes = rate{[](auto& d, auto per_second, auto burst) {
       d.config.gateway.api.requests_per_s = per_second;
       d.config.gateway.api.request_burst = burst;
     }},
     .initial = "500:5000",
     .help = "PER_SECOND[:BURST] requests of the HTTP API with one key to this instance; 0 = no limit"},
    {.name = "limit-memory",
     .group = limits,
     .takes = whole{[](auto& d, auto v) { d.limits.memory_mib = v; }, 0, 1 << 30},
     .help = "MiB the process may hold before new connections are refused and slow readers closed; 0 = no limit; "
             "default: two thirds of what the machine or container has"},
    {.name = "limit-user-connections",
     .group = limits,
     .takes = whole{[](auto& d, auto v) { d.config.gateway.connections_per_user = v; }, 0, 1 << 20},
     .initial = "16",
     .help = "connections of one user, on all instances; the oldest are closed with 4409; 0 = no limit"},

    {.name = "instance-id",
     .group = operation,
     .takes = text{[](auto& d, auto v) { d.instance = std::move(v); }},
     .help = "name of this instance; default: host name and a random number"},
    {.name = "lease",
     .group = operation,
     .takes = duration{[](auto& d, auto v) { d.config.gateway.leases.lease = v; }, 2, 3600},
     .initial = "15",
     .help = "seconds of silence after which other instances take this one for dead"},
    {.name = "grace",
     .group = operation,
     .takes = duration{[](auto& d, auto v) { d.config.gateway.grace = v; }, 0, 3600},
     .initial = "5",
     .help = "seconds a user may be away before others are told"},
    {.name = "dedup",
     .group = operation,
     .takes = duration{[](auto& d, auto v) { d.config.gateway.room_log.dedup_s = static_cast<int>(v.count() / 1000); },
                       1, 2'592'000},
     .initial = "86400",
     .help = "seconds for which a clientMsgId and an Idempotency-Key are remembered, so that a repetition is no second "
             "one"},
    {.name = "forget-absent",
     .group = operation,
     .takes = duration{[](auto& d, auto v) {
                         d.config.gateway.forget_absent = std::chrono::duration_cast<std::chrono::seconds>(v);
                       },
                       0, 36'500, std::chrono::days{1}},
     .initial = "90",
     .help = "days after which a user who was not seen is no member of rooms any more, and the mailbox is gone; 0 = "
             "never"},
    {.name = "drain",
     .group = operation,
     .takes = duration{[](auto& d, auto v) { d.config.drain = v; }, 0, 3600},
     .initial = "20",
     .help = "seconds over which SIGTERM hands clients over"},
    {.name = "log-level",
     .group = operation,
     .takes = choice{[](auto& d, auto v) { d.config.log_level = level_of(v); }, "debug,info,warn,error"},
     .initial = "info",
     .help = "debug, info, warn or error"},
    {.name = "log-format",
     .group = operation,
     .takes = choice{[](auto& d, auto v) { d.config.log_format = v == "json" ? log::format::json : log::format::text; },
                     "text,json"},
     .initial = "text",
     .help = "text for people, json for machines: one event per line either way"},

    {.name = "check-config",
     .group = help,
     .takes = flag{[](auto& d) { d.config.only_check = true; }},
     .configurable = false,
     .help = "read all configuration, say whether it is valid, and start nothing"},
    {.name = "check-health",
     .group = help,
     .takes = flag{[](auto& d) { d.config.only_ask = "/health"; }},
     .configurable = false,
     .help =
         "ask the hikyd that runs here with this configuration for /health, say what it answers, and start nothing; "
         "exit code 0: it is healthy"},
    // Behind --check-health: of the two, the one that is set last counts.
    {.name = "check-live",
     .group = help,
     .takes = flag{[](auto& d) { d.config.only_ask = "/live"; }},
     .configurable = false,
     .help = "the same for /live; exit code 0: its threads come round, whatever Redis does. For who restarts what does "
             "not live"},
    {.name = "print-config",
     .group = help,
     .takes = flag{[](auto& d) { d.print = true; }},
     .configurable = false,
     .help = "print the configuration as a TOML file, defaults commented out, and start nothing"},
};

}  // namespace

std::span<option const> operation_options() { return table; }

}  // namespace hiky::app
