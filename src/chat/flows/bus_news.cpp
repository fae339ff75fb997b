// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/bus_news.hpp"

namespace hiky::chat {

using std::chrono::steady_clock;

bus_news::bus_news(hub& here, subscriptions& heard, session_audit& audit, doubts& doubtful, announced_entries& entered,
                   mail_flow& mail, endings& ends, watches& watched)
    : hub_(here),
      subscriptions_(heard),
      audit_(audit),
      doubts_(doubtful),
      entries_(entered),
      mail_(mail),
      endings_(ends),
      watches_(watched) {}

void bus_news::deliver(bus::batch const& messages, std::vector<steady_clock::time_point>& came) {
  for (auto const& m : messages) {
    if (auto const* again = std::get_if<notice::interrupted>(m.get())) {
      audit_.interrupted(again->generation);
      watches_.doubt_all();
      continue;
    }
    auto const handed = hub_.apply(*m, [this](session& s, bus_message const& about) { tell(s, about); });
    auto const* const said = std::get_if<notice::message>(m.get());
    if (handed > 0 && said && said->came != steady_clock::time_point{}) came.push_back(said->came);
  }
}

// News about the session itself, or about a user whom it watches.
void bus_news::tell(session& s, bus_message const& about) {
  if (auto const* change = std::get_if<notice::friend_change>(&about)) return watches_.announced(s, *change);
  if (std::holds_alternative<notice::mail>(about)) return mail_.fetch(s);
  if (auto const* ending = std::get_if<notice::ending>(&about)) return endings_.dismiss(s, *ending);
  if (auto const* left = std::get_if<notice::left>(&about)) return leave(s, *left);
  enter(s, std::get<notice::entry>(about));
}

void bus_news::leave(session& s, notice::left const& about) {
  ++s.notices.mine();
  room_id const room{about.room};
  auto const* const in = s.ledger.find(room);
  if (!in) return;
  // A join's answer may be here before the news of an earlier leave: then Redis is asked.
  if (about.at_ms <= (in->since_ms > 0 ? in->since_ms : s.began->at_ms)) return doubts_.add(s);
  if (!*s.leaving || **s.leaving != room) subscriptions_.tell(s, room, room_change::removed);
  hub_.leave(s, room);
}

// The session is compared with Redis, in its turn, and gets the messages since then from the log. Not at once, from the
// bus: another session may have subscribed the room here meanwhile, behind some of them.
void bus_news::enter(session& s, notice::entry const& about) {
  ++s.notices.mine();
  room_id const room{about.room};
  if (hub_.in(s, room) || (s.grant && !s.grant->allows(room))) return;
  entries_.add(s, room, about.at_ms);
  doubts::mark(s);  // also of a session that is registering
  doubts_.add(s);
}

}  // namespace hiky::chat
