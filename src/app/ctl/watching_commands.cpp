// SPDX-License-Identifier: Apache-2.0
// The commands about the whole: how it is, why it is so, what is wrong, what happens now.
#include "app/ctl/command.hpp"
#include "app/ctl/remote_commands.hpp"

namespace hiky::ctl {
namespace {

using made = std::expected<command, std::string>;

std::chrono::milliseconds ms_of(double seconds) { return std::chrono::milliseconds{static_cast<long>(seconds * 1000)}; }

constexpr word yes{"--yes", &words::yes, "yes, delete it all"};
constexpr word user{"USER", &words::user, "the user's id", an_id{}};
constexpr word room{"ROOM", &words::room, "the room's id", an_id{}};
constexpr word message{"ID", &words::message, "the messageId, like 15c643af92c5:1", an_id{}};
constexpr word in_room{"--room", &words::in_room, "the message's room, to find it at once among many", an_id{}, "ROOM"};
constexpr word for_user{"--user", &words::for_user, "this recipient only", an_id{}, "USER"};
constexpr word repair{"--repair", &words::repair, "mend what is found; may be done while everything runs"};
constexpr word strays{"--strays", &words::strays, "with --repair: delete unknown keys under ws:, too"};
constexpr word wait{"--wait", &words::wait,
                    "before what looks wrong is looked at again, since some of it rights itself (default 4)",
                    real_within{0, 3600}, "SECONDS"};
constexpr word once{"--once", &words::once, "one sample, as a report"};
constexpr word interval{"--interval", &words::interval, "between samples (default 1)", real_within{0.1, 3600},
                        "SECONDS"};
constexpr word lines{"-n,--lines", &words::lines, "messages of the past to begin with (default 10)",
                     whole_within{0, 1000}, "N"};
constexpr word events{"--events", &words::events, "also who types, joins, leaves and goes"};
constexpr word most{"--count", &words::most, "end after so many", positive{}, "N"};

made cleanup_of(words const& w) {
  if (!w.yes)
    return std::unexpected(
        "cleanup deletes all WebSocket state: presence, rooms, memberships, histories and queued messages; say --yes");
  return command{&ctl::cleanup};
}

made explain_message_of(words const& w) {
  state::message_question about{.message_id = w.message};
  if (w.in_room) about.room = room_id{*w.in_room};
  if (w.for_user) about.only = user_id{*w.for_user};
  return command{[about](session& s) { return ctl::explain_message(s, about); }};
}

made fsck_of(words const& w) {
  if (w.strays && !w.repair) return std::unexpected("--strays says what --repair is to do besides; give both");
  state::fsck_question const how{w.repair, w.strays, ms_of(w.wait)};
  return command{[how](session& s) { return ctl::fsck(s, how); }};
}

made top_of(words const& w) {
  top_question const how{w.once ? 1 : w.most, ms_of(w.interval)};
  return command{[how](session& s) { return ctl::top(s, how); }};
}

made tail_of(words const& w) {
  tail_question const how{room_id{w.room}, w.lines, w.most, w.events};
  return command{[how](session& s) { return ctl::tail(s, how); }};
}

constexpr command_entry table[]{
    {.path = "status",
     .help = "counts: who is online, connections, rooms, queued messages, instances; Redis's version and memory",
     .make = [](words const&) -> made { return command{&ctl::status}; }},
    {.path = "health",
     .help = "the health check as JSON; exit code 1 when Redis can't be reached or refuses writes",
     .make = [](words const&) -> made { return command{&ctl::health, &ctl::unhealthy}; },
     .over_api = over_api::health},
    {.path = "info",
     .help = "what Redis says of itself (INFO)",
     .make = [](words const&) -> made { return command{&ctl::info}; },
     .over_api = over_api::info},
    {.path = "cleanup",
     .help = "delete every ws: key of the WebSocket database; the directory stays",
     .takes = {&yes},
     .make = cleanup_of,
     .over_api = over_api::cleanup},
    {.path = "instances",
     .help = "the instances that share this Redis: their leases, and what they hold",
     .make = [](words const&) -> made { return command{&ctl::instances}; },
     .over_api = over_api::instances},
    {.path = "explain", .help = "why a user is online or not, and what became of a message"},
    {.path = "explain user",
     .help = "which connections, instances and leases, which rooms, what waits in the mailbox",
     .takes = {&user},
     .make = [](words const& w) -> made {
       return command{[who = user_id{w.user}](session& s) { return ctl::explain_user(s, who); }};
     },
     .over_api = over_api::explain_user},
    {.path = "explain message",
     .help = "for whom it was routed, queued, acknowledged or dropped, and why",
     .takes = {&message, &in_room, &for_user},
     .make = explain_message_of,
     .over_api = over_api::explain_message},
    {.path = "fsck",
     .help = "look for ghosts, half-joined users, connections nobody will end, stuck or poisonous mail, strays",
     .takes = {&repair, &strays, &wait},
     .make = fsck_of,
     .footer = "Exit code 1 when something is wrong and was not mended."},
    {.path = "top",
     .help = "what happens right now: connections, messages, Redis, busiest rooms; q ends it",
     .takes = {&once, &interval, &most},
     .make = top_of},
    {.path = "tail", .help = "follow a room's messages", .takes = {&room, &lines, &events, &most}, .make = tail_of},
};

}  // namespace

std::span<command_entry const> watching_commands() { return table; }

}  // namespace hiky::ctl
