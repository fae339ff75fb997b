// SPDX-License-Identifier: Apache-2.0
#include "chat/hub.hpp"

#include <algorithm>

namespace hiky::chat {

namespace {
constexpr std::size_t long_tail = 128;  // messages to one connection before it is asked for a receipt ahead of the next ping
}

void hub::attach(session& s) { users_[s.user.str()].push_back(&s); }

void hub::detach(session& s) {
  while (!s.rooms.empty()) remove_from(s, s.rooms.size() - 1);
  auto const found = users_.find(std::string_view{s.user});
  if (found == users_.end()) return;
  std::erase(found->second, &s);
  if (found->second.empty()) users_.erase(found);
}

bool hub::heard(room_id const& r) const {
  auto const found = rooms_.find(std::string_view{r});
  return found != rooms_.end() && found->second.heard;
}

void hub::set_heard(room_id const& r) {
  if (auto const found = rooms_.find(std::string_view{r}); found != rooms_.end()) found->second.heard = true;
}

std::size_t hub::mailboxes_of(room_id const& r) const {
  auto const found = rooms_.find(std::string_view{r});
  return found == rooms_.end() ? 0 : found->second.mailboxes;
}

void hub::set_mailboxes(room_id const& r, std::size_t filled) {
  if (auto const found = rooms_.find(std::string_view{r}); found != rooms_.end()) found->second.mailboxes = filled;
}

bool hub::in(session const& s, room_id const& r) const {
  return std::ranges::any_of(s.rooms, [&](auto const& p) { return *p.room->name == r.str(); });
}

void hub::enter(session& s, room_id const& r, bool joined, std::int64_t since_ms) {
  auto const found = rooms_.try_emplace(r.str()).first;
  auto& here = found->second;
  here.name = &found->first;
  for (auto& p : s.rooms) {
    if (p.room != &here) continue;
    if (joined) p.joined = 1;
    return;
  }
  auto const place = static_cast<std::uint32_t>(here.sessions.size());
  here.sessions.push_back({&s, static_cast<std::uint32_t>(s.rooms.size())});
  s.rooms.push_back({&here, place, joined ? 1U : 0U, since_ms, 0});
}

void hub::set_since(session& s, room_id const& r, std::int64_t since_ms) {
  for (auto& p : s.rooms) {
    if (*p.room->name == r.str()) p.since_ms = since_ms;
  }
}

void hub::leave(session& s, room_id const& r) {
  auto const found = std::ranges::find_if(s.rooms, [&](auto const& p) { return *p.room->name == r.str(); });
  if (found == s.rooms.end()) return;
  if (found->first != 0) {
    constexpr std::size_t remembered = 8;
    if (!s.left) s.left = std::make_unique<std::deque<session::left_room>>();
    auto last = found->room->last;
    if (s.ahead) {
      auto const replayed = std::ranges::find(*s.ahead, found->room, &session::replayed::room);
      if (replayed != s.ahead->end()) last = replayed->up_to;
    }
    s.left->push_front({r.str(), found->first, std::move(last)});
    if (s.left->size() > remembered) s.left->pop_back();
  }
  remove_from(s, static_cast<std::size_t>(found - s.rooms.begin()));
}

// Both vectors swap with their last, and each tells the other side of the one that moved: no search, whatever the room's size.
void hub::remove_from(session& s, std::size_t index_in_session) {
  auto const gone = s.rooms[index_in_session];
  auto& sessions = gone.room->sessions;
  if (std::erase_if(s.tail, [&](auto const& t) { return t.first == gone.room; }) > 0) s.tail_asked = 0;
  if (s.ahead) std::erase_if(*s.ahead, [&](auto const& a) { return a.room == gone.room; });
  sessions[gone.index] = sessions.back();
  sessions[gone.index].who->rooms[sessions[gone.index].index].index = gone.index;
  sessions.pop_back();

  s.rooms[index_in_session] = s.rooms.back();
  s.rooms.pop_back();
  if (index_in_session < s.rooms.size()) {
    auto const& moved = s.rooms[index_in_session];
    moved.room->sessions[moved.index].index = static_cast<std::uint32_t>(index_in_session);
  }
  if (!sessions.empty()) return;
  room_id const name{*gone.room->name};
  rooms_.erase(rooms_.find(std::string_view{name}));
  if (on_empty_) on_empty_(name);
}

state::message_place hub::last_of(room_id const& r) const {
  auto const found = rooms_.find(std::string_view{r});
  return found == rooms_.end() ? state::message_place{} : found->second.last;
}

std::vector<session*> const* hub::sessions_of(std::string_view user) const {
  auto const found = users_.find(user);
  return found == users_.end() ? nullptr : &found->second;
}

std::vector<session_ptr> hub::registered_sessions() const {
  std::vector<session_ptr> out;
  for (auto const& [user, sessions] : users_) {
    for (auto* s : sessions) {
      if (s->registered) out.emplace_back(s);
    }
  }
  return out;
}

void hub::hand(session& s, bus_message const& m, traffic kind) {
  if (s.held) s.held->push_back({m.frame, kind, m.message_id});
  else s.send(m.frame, kind);
}

// A client that vanishes has perhaps not received its latest messages. A pong shows what it has.
void hub::remember(session& s, room& where, std::uint64_t seq) {
  s.tail.push_back({&where, seq});
  if (s.tail.size() >= long_tail && s.tail_asked == 0) s.ask_receipt();
}

template <class Wanted>
std::size_t hub::to_room(bus_message const& m, traffic kind, Wanted wanted) {
  auto const found = rooms_.find(std::string_view{m.room});
  if (found == rooms_.end()) return 0;
  std::size_t handed = 0;
  auto& here = found->second;
  if (m.kind == 'm') {
    std::string_view const epoch{m.message_id.data(), m.message_id.rfind(':')};
    if (epoch != here.last.epoch) {
      // A new epoch counts from one again.
      if (!here.last.epoch.empty()) {
        for (auto const& member : here.sessions) member.who->rooms[member.index].first = 0;
      }
      here.last.epoch = epoch;
    }
    here.last.seq = m.seq;
  }
  for (auto const& member : here.sessions) {
    auto& presence = member.who->rooms[member.index];
    if (m.kind == 'm' && presence.first == 0) presence.first = static_cast<std::uint32_t>(m.seq);
    if (!wanted(member)) continue;
    if (m.kind == 'm' && member.who->ahead && !member.who->held && was_replayed(*member.who, here, m)) continue;
    hand(*member.who, m, kind);
    ++handed;
    if (m.kind == 'm') remember(*member.who, found->second, m.seq);
  }
  return handed;
}

void hub::has(session& s, room_id const& r, std::uint64_t from, state::message_place to) {
  for (auto& p : s.rooms) {
    if (*p.room->name != r.str()) continue;
    p.first = static_cast<std::uint32_t>(p.first == 0 ? from : std::min<std::uint64_t>(p.first, from));
    if (!s.ahead) s.ahead = std::make_unique<std::vector<session::replayed>>();
    std::erase_if(*s.ahead, [&](auto const& a) { return a.room == p.room; });
    s.ahead->push_back({p.room, std::move(to)});
    return;
  }
}

bool hub::was_replayed(session& s, room& where, bus_message const& m) {
  auto const found = std::ranges::find(*s.ahead, &where, &session::replayed::room);
  if (found == s.ahead->end()) return false;
  if (m.seq <= found->up_to.seq && std::string_view{m.message_id}.starts_with(found->up_to.epoch + ':')) return true;
  s.ahead->erase(found);
  if (s.ahead->empty()) s.ahead.reset();
  return false;
}

hub::share hub::share_of(session const& s, std::string_view room, state::message_place const& place) {
  auto const from = static_cast<std::uint32_t>(place.seq);
  for (auto const& p : s.rooms) {
    if (*p.room->name != room) continue;
    if (p.first == 0 || from < p.first) break;
    if (place.epoch == p.room->last.epoch && place.seq <= p.room->last.seq) return share::arrived;
    if (!s.ahead) return share::coming;
    auto const replayed = std::ranges::find(*s.ahead, p.room, &session::replayed::room);
    bool const had = replayed != s.ahead->end() && replayed->up_to.epoch == place.epoch && place.seq <= replayed->up_to.seq;
    return had ? share::arrived : share::coming;
  }
  if (!s.left) return share::none;
  bool const had = std::ranges::any_of(
      *s.left, [&](auto const& l) { return l.name == room && l.last.epoch == place.epoch && from >= l.first && place.seq <= l.last.seq; });
  return had ? share::arrived : share::none;
}

std::size_t hub::to_user(bus_message const& m, traffic kind, bool extended_only) {
  auto const* sessions = sessions_of(m.subject);
  if (!sessions) return 0;
  std::size_t handed = 0;
  for (auto* s : *sessions) {
    if (extended_only && !s->extended) continue;
    hand(*s, m, kind);
    ++handed;
  }
  return handed;
}

std::size_t hub::apply(bus_message const& m, std::function<void(session&, bus_message const&)> const& about) {
  auto const others = [&](room::member const& one) { return one.who->user.str() != m.subject; };
  auto const watching = [&](room::member const& one) { return one.who->extended && one.who->rooms[one.index].joined != 0 && others(one); };
  std::size_t handed = 0;
  switch (m.kind) {
    case 'm': handed = to_room(m, traffic::chat, [&](room::member const& one) { return one.who->id.str() != m.subject; }); break;
    case 'g': handed = to_room(m, traffic::chat, [](room::member const& one) { return one.who->extended; }); break;
    case 't': handed = to_room(m, traffic::typing, others); break;
    case 'o': handed = to_room(m, traffic::presence, others); break;
    case 'b':
      for (auto const& part : m.parts) {
        handed += to_room(part, traffic::presence, [&](room::member const& one) { return one.who->extended && one.who->user.str() != part.subject; });
      }
      break;
    case 'j': handed = to_room(m, traffic::presence, watching); break;
    case 'l': handed = to_room(m, traffic::presence, watching); [[fallthrough]];
    case 'a':
    case 'k':
    case 'w':
      if (auto const* sessions = sessions_of(m.subject)) {
        // A copy: whoever is told may end sessions.
        for (auto const& s : std::vector<session_ptr>{sessions->begin(), sessions->end()}) about(*s, m);
      }
      break;
    case 'f': handed = to_user(m, traffic::chat, false); break;
    case 'u':
    case 'U':
      handed = to_user(m, traffic::presence, m.kind == 'U');
      if (auto const* sessions = sessions_of(m.subject)) {
        for (auto* s : *sessions) {
          if (s->watch) about(*s, m);
        }
      }
      break;
    default: break;
  }
  return handed;
}

}  // namespace hiky::chat
