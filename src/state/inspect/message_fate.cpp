// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/message_fate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace hiky::state {
namespace {

using connection_list = std::vector<explained_connection const*>;

std::string plural(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string instances_of(connection_list const& connections) {
  std::set<std::string_view> names;
  for (auto const* c : connections) names.insert(c->instance.str());
  std::string out;
  for (auto const name : names) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

void set(recipient& who, fate outcome, std::string why) {
  who.outcome = outcome;
  who.why = std::move(why);
}

void judge_sender(recipient& who, connection_list const& heard, judged_message const& m) {
  if (m.from_connection.empty()) return set(who, fate::sent, "sent it, by the API or a tool");
  auto const others = std::ranges::count_if(heard, [&](auto const* c) { return c->id != m.from_connection; });
  set(who, fate::sent,
      fmt::format("sent it by connection {}, which gets no copy; {} got one", m.from_connection.str(),
                  plural(static_cast<std::size_t>(others), "other connection")));
}

void judge_live(recipient& who, connection_list const& heard) {
  set(who, fate::routed,
      fmt::format("went to {} on {}, there since before it was said", plural(heard.size(), "connection"),
                  instances_of(heard)));
  for (auto const* c : heard) {
    if (c->lease.view == lease_view::alive) continue;
    who.why += fmt::format("; {} {}, what {} has not confirmed goes to the mailbox when it is swept", c->instance.str(),
                           c->lease.view == lease_view::ended ? "has lost its lease" : "holds no lease", c->id.str());
  }
}

// No connection of now was there when it was said. A user who was away then has it in the mailbox or has confirmed it;
// unless it never got there, or had to make room.
void judge_absent(recipient& who, standing const& s, judged_message const& m, room_log_limits const& limits) {
  bool const pushed_out = s.dropped > 0 && (s.oldest_queued.empty() || s.oldest_queued > m.timestamp);
  if (pushed_out && s.queued > 0) {
    return set(who, fate::dropped,
               fmt::format("the mailbox was full: the newest {} remain, {} had to make room", s.queued, s.dropped));
  }
  if (!who.connections.empty()) {
    return set(who, fate::acknowledged,
               "no connection of now was there when it was said; it came by mail and was confirmed, or an earlier "
               "connection had it");
  }
  if (s.last_seen >= m.timestamp) {
    return set(who, fate::acknowledged,
               fmt::format("had a connection until {}, which had it or confirmed it", s.last_seen));
  }
  if (m.members > static_cast<std::int64_t>(limits.max_mailbox_room)) {
    return set(
        who, fate::not_queued,
        fmt::format("was away; the room has more than {} members and fills no mailboxes", limits.max_mailbox_room));
  }
  set(who, fate::not_queued,
      "was away, and the mailbox does not hold it: became a member later, or the mailbox was cleared");
}

}  // namespace

std::string_view to_string(fate f) {
  switch (f) {
    case fate::sent: return "sent";
    case fate::routed: return "routed";
    case fate::queued: return "queued";
    case fate::claimed: return "claimed";
    case fate::acknowledged: return "acknowledged";
    case fate::dropped: return "dropped";
    case fate::not_queued: return "not queued";
    case fate::unknown: return "unknown";
  }
  return "unknown";
}

void judge(recipient& who, standing const& s, judged_message const& m, room_log_limits const& limits) {
  connection_list heard, claims;
  for (auto const& c : who.connections) {
    if (c.in_flight) claims.push_back(&c);
    if (m.at_ms > 0 && c.at_ms > 0 && c.at_ms <= m.at_ms) heard.push_back(&c);
  }
  if (s.place > 0) {
    return set(who, fate::queued,
               fmt::format("waits in the mailbox, {} of {}: {}", s.place, s.queued,
                           who.online ? "the connections there have not fetched it yet"
                                      : "away when it was said, or gone without having confirmed it"));
  }
  if (!claims.empty()) {
    return set(who, fate::claimed,
               fmt::format("was taken from the mailbox for connection {} on {}, and not confirmed yet (a pong, or "
                           "offlineAck)",
                           claims.front()->id.str(), claims.front()->instance.str()));
  }
  if (!m.kept) {
    return set(who, fate::unknown,
               "the room's log has it no more, and the mailbox does not hold it: when it was said is not known");
  }
  if (who.user == m.sender) return judge_sender(who, heard, m);
  if (!heard.empty()) return judge_live(who, heard);
  judge_absent(who, s, m, limits);
}

}  // namespace hiky::state
