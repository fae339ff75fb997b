// SPDX-License-Identifier: Apache-2.0
// Who is here: the sessions of one worker, by user and by room. No Redis, no sockets, no suspension; one thread.
#pragma once
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "chat/bus_message.hpp"
#include "chat/session.hpp"

namespace hiky::chat {

struct room {
  std::string const* name = nullptr;  // the key that finds it
  struct member {
    session* who;
    std::uint32_t index;  // of this room in who->rooms
  };
  std::vector<member> sessions;
  state::message_place last{};  // of the latest message handed to them; epoch "" while there was none
  bool heard = false;  // the bus has confirmed that this worker gets the room's messages
  std::size_t mailboxes = 0;  // that the latest message published here was put into
};

class hub {
 public:
  // Called when the worker's last session leaves a room. The first one's entry is up to the caller, who must await the bus.
  void on_empty(std::function<void(room_id const&)> handler) { on_empty_ = std::move(handler); }

  // Makes the session findable by its user. The session outlives its stay.
  void attach(session& s);
  // Takes it out of everything. Harmless when it is not here.
  void detach(session& s);

  bool heard(room_id const& r) const;
  void set_heard(room_id const& r);
  bool in(session const& s, room_id const& r) const;
  // The session hears the room from now on; `joined` also says that it has the room open.
  // `since_ms`: Redis TIME, 0 for since the connection began; counts for a session that was not in the room.
  void enter(session& s, room_id const& r, bool joined, std::int64_t since_ms = 0);
  static void set_since(session& s, room_id const& r, std::int64_t since_ms);
  void leave(session& s, room_id const& r);

  // How many mailboxes the latest message of this worker to the room was put into: what the next one will cost Redis.
  std::size_t mailboxes_of(room_id const& r) const;
  void set_mailboxes(room_id const& r, std::size_t filled);

  // The room's latest message that came here; epoch "" for none.
  state::message_place last_of(room_id const& r) const;

  std::vector<session*> const* sessions_of(std::string_view user) const;
  std::vector<session_ptr> registered_sessions() const;
  std::size_t users() const { return users_.size(); }
  std::size_t rooms() const { return rooms_.size(); }

  // The session has the room's messages from seq `from` to `to`, by other means than the bus: which will not hand them on again.
  static void has(session& s, room_id const& r, std::uint64_t from, state::message_place to);
  // Whether the session has got, or is in line to get, this message from the bus: `arrived` when it has been handed on already.
  enum class share { none, coming, arrived };
  static share share_of(session const& s, std::string_view room, state::message_place const& place);

  // Hands what came over the bus to those whom it concerns. `l`, `a`, `k` and `w` concern the user's own sessions: `about` is
  // called with each, and may end sessions. So it is with `u` and `U` and those that watch, and may not.
  // Returns how many it was handed to.
  std::size_t apply(bus_message const& m, std::function<void(session&, bus_message const&)> const& about);

 private:
  using room_map = std::unordered_map<std::string, room, id_hash, std::equal_to<>>;

  static void hand(session& s, bus_message const& m, traffic kind);
  static bool was_replayed(session& s, room& where, bus_message const& m);
  static void remember(session& s, room& where, std::uint64_t seq);
  void remove_from(session& s, std::size_t index_in_session);
  template <class Wanted>
  std::size_t to_room(bus_message const& m, traffic kind, Wanted wanted);
  std::size_t to_user(bus_message const& m, traffic kind, bool extended_only);

  std::function<void(room_id const&)> on_empty_;
  room_map rooms_;
  std::unordered_map<std::string, std::vector<session*>, id_hash, std::equal_to<>> users_;
};

}  // namespace hiky::chat
