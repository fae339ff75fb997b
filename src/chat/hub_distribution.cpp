// SPDX-License-Identifier: Apache-2.0
// Part of hub: whom each kind of the bus's news concerns.
#include <algorithm>

#include "chat/hub.hpp"

namespace hiky::chat {

namespace {

auto others_than(std::string const& user) {
  return [&user](room::member const& one) { return one.who->user.str() != user; };
}

// Extended sessions that joined the room.
auto watchers_but(std::string const& user) {
  return [&user](room::member const& one) {
    return one.who->extended && one.who->ledger.at(one.index).open != 0 && one.who->user.str() != user;
  };
}

}  // namespace

// Each call returns how many sessions it handed a frame to.
struct hub::distribution {
  hub& here;
  bus_message const& news;
  about_handler const& about;

  std::size_t operator()(notice::message const& m) const { return here.message_to_room(m); }
  std::size_t operator()(notice::gap const& m) const {
    return to_room(m.room, m.frame, traffic::chat, [](room::member const& one) { return one.who->extended; });
  }
  std::size_t operator()(notice::typing const& m) const {
    return to_room(m.room, m.frame, traffic::typing, others_than(m.user));
  }
  std::size_t operator()(notice::offline const& m) const {
    return to_room(m.room, m.frame, traffic::presence, others_than(m.user));
  }
  std::size_t operator()(notice::back const& m) const {
    std::size_t handed = 0;
    for (auto const& each : m.users) {
      handed += to_room(m.room, each.frame, traffic::presence,
                        [&](room::member const& one) { return one.who->extended && one.who->user.str() != each.user; });
    }
    return handed;
  }
  std::size_t operator()(notice::joined const& m) const {
    return to_room(m.room, m.frame, traffic::presence, watchers_but(m.user));
  }
  std::size_t operator()(notice::left const& m) const {
    auto const handed = to_room(m.room, m.frame, traffic::presence, watchers_but(m.user));
    tell_sessions_of(m.user);
    return handed;
  }
  std::size_t operator()(notice::application const& m) const { return to_user(m.user, m.frame, traffic::chat, false); }
  std::size_t operator()(notice::friend_change const& m) const {
    auto const handed = to_user(m.user, m.frame, traffic::presence, !m.online);
    if (auto const* sessions = here.sessions_of(m.user)) {
      for (auto* s : *sessions) {
        if (*s->watch) about(*s, news);
      }
    }
    return handed;
  }
  std::size_t operator()(notice::mail const& m) const { return tell_sessions_of(m.user); }
  std::size_t operator()(notice::ending const& m) const { return tell_sessions_of(m.user); }
  std::size_t operator()(notice::entry const& m) const { return tell_sessions_of(m.user); }
  // Of the worker, not of a session.
  std::size_t operator()(notice::canary const&) const { return 0; }
  std::size_t operator()(notice::interrupted const&) const { return 0; }

 private:
  std::size_t tell_sessions_of(std::string const& user) const {
    if (auto const* sessions = here.sessions_of(user)) {
      // A copy: a session that is told may end sessions.
      for (auto const& s : std::vector<session_ptr>{sessions->begin(), sessions->end()}) about(*s, news);
    }
    return 0;
  }

  template <class Wanted>
  std::size_t to_room(std::string const& name, frame_ptr const& frame, traffic kind, Wanted wanted) const {
    auto const found = here.rooms_.find(std::string_view{name});
    if (found == here.rooms_.end()) return 0;
    std::size_t handed = 0;
    for (auto const& member : found->second.sessions) {
      if (!wanted(member)) continue;
      hand(*member.who, frame, kind);
      ++handed;
    }
    return handed;
  }

  std::size_t to_user(std::string const& user, frame_ptr const& frame, traffic kind, bool extended_only) const {
    auto const* sessions = here.sessions_of(user);
    if (!sessions) return 0;
    std::size_t handed = 0;
    for (auto* s : *sessions) {
      if (extended_only && !s->extended) continue;
      hand(*s, frame, kind);
      ++handed;
    }
    return handed;
  }

  static void hand(session& s, frame_ptr const& frame, traffic kind) {
    if (s.ledger.holds()) s.hold_back(frame, kind);
    else s.send(frame, kind);
  }
};

std::size_t hub::apply(bus_message const& m, about_handler const& about) {
  return std::visit(distribution{*this, m, about}, m);
}

std::size_t hub::message_to_room(notice::message const& m) {
  auto const found = rooms_.find(std::string_view{m.room});
  if (found == rooms_.end()) return 0;
  auto& here = found->second;
  if (m.place.epoch != here.last.epoch) {
    // A new epoch counts from one again.
    if (!here.last.epoch.empty()) {
      for (auto const& member : here.sessions) member.who->ledger.renumber(member.who->ledger.at(member.index));
    }
    here.last.epoch = m.place.epoch;
  }
  here.last.seq = m.place.seq;
  std::size_t handed = 0;
  for (auto const& member : here.sessions) {
    auto& s = *member.who;
    if (!s.ledger.takes(s.ledger.at(member.index), s.id.str() == m.connection)) continue;
    if (s.ledger.holds()) s.hold_back(m.frame, traffic::chat, here.last);
    else hand_message(s, m.frame);
    ++handed;
  }
  return handed;
}

}  // namespace hiky::chat
