// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/bus_news.hpp"

#include "base/log.hpp"
#include "chat/requests/spawn.hpp"

namespace hiky::chat {

using std::chrono::steady_clock;

bus_news::bus_news(asio::any_io_executor executor, hub& here, subscriptions& heard, session_audit& audit,
                   doubts& doubtful, mail_flow& mail, endings& ends, watches& watched)
    : ex_(std::move(executor)),
      hub_(here),
      subscriptions_(heard),
      audit_(audit),
      doubts_(doubtful),
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

void bus_news::enter(session& s, notice::entry const& about) {
  ++s.notices.mine();
  room_id const room{about.room};
  if (s.grant && !s.grant->allows(room)) return;
  // At once, since the next message may be in this batch.
  subscriptions_.tell(s, room, room_change::added);
  hub_.enter(s, room, false, about.at_ms);
  spawn(ex_, subscribe(&s, room, about));
}

// The user takes part since then, so later messages are in no mailbox.
task<> bus_news::subscribe(session_ptr s, room_id room, notice::entry entered) {
  bool const fresh = !hub_.subscribed(room);
  if (fresh) co_await subscriptions_.begin({room}, {std::move(entered.place)}, bus::since::place);
  // A session that was taken out again meanwhile must not be subscribed to the room.
  auto const subscribed =
      hub_.in(*s, room) ? co_await subscriptions_.subscribe(*s, {room}, entered.at_ms) : result<void>{};
  if (!subscribed) {
    log::warn("session.half_heard", {{"connection", s->id.str()},
                                     {"trace", s->trace_id()},
                                     {"room", room.str()},
                                     {"reason", subscribed.error().text}});
  }
  // The session is also compared where news of a removal may have passed before the subscription held.
  if (!subscribed || fresh) doubts_.add(*s);
  if (s->gone && !s->turn->busy) hub_.detach(*s);  // else `closed` does, and needs the ledger
}

}  // namespace hiky::chat
