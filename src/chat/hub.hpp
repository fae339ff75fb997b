// SPDX-License-Identifier: Apache-2.0
// The sessions of one worker, by user and by room. No Redis, no sockets, no suspension; one thread.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "chat/bus/bus_message.hpp"
#include "chat/session.hpp"

namespace hiky::chat {

struct room : delivery::stream {
  struct member {
    session* who;
    std::uint32_t index;  // of this room in who->ledger
  };
  std::vector<member> sessions;
  bool subscribed = false;  // the bus has confirmed that this worker gets the room's messages
  std::size_t mailboxes = 0;  // that the latest message published here was put into
};

class hub {
 public:
  // Called when the worker's last session leaves a room. The first one's entry is up to the caller, who must await the
  // bus.
  void on_empty(std::function<void(room_id const&)> handler) { on_empty_ = std::move(handler); }

  // Makes the session findable by its user. The session outlives its stay.
  void attach(session& s);
  // Takes it out of everything. Harmless when it is not here.
  void detach(session& s);

  bool subscribed(room_id const& r) const;
  void set_subscribed(room_id const& r);
  bool in(session const& s, room_id const& r) const { return index_of(s, r).has_value(); }
  // The bus has confirmed all rooms that the session is in.
  static bool subscribed_to_all(session const& s);
  // The session takes part in the room from now on; `joined` also says that it has the room open.
  // `since_ms`: Redis TIME, 0 for since the connection began; counts for a session that was not in the room.
  void enter(session& s, room_id const& r, bool joined, std::int64_t since_ms = 0);
  void set_since(session& s, room_id const& r, std::int64_t since_ms);
  void set_untold(session& s, room_id const& r, bool untold);
  void leave(session& s, room_id const& r);
  // The session entered the room while Redis was asked, and its user does not belong to it: the client is never told of
  // the room.
  void retract(session& s, room_id const& r);
  // The session may not take part in the room any more, to which its user belongs all the same. Messages behind `upto`
  // are mail.
  void lapse(session& s, room_id const& r, std::optional<delivery::ledger::standing> const& upto);
  // The session is being sent these messages of the room by other means than the bus, and nobody else keeps them for
  // its user.
  void sent_aside(session& s, room_id const& r, delivery::ledger::range messages);

  // How many mailboxes the latest message of this worker to the room was put into: what the next one will cost Redis.
  std::size_t mailboxes_of(room_id const& r) const;
  void set_mailboxes(room_id const& r, std::size_t filled);

  // The room's latest message that came here; epoch "" for none.
  state::message_place last_of(room_id const& r) const;

  std::vector<session*> const* sessions_of(std::string_view user) const;
  std::vector<session_ptr> registered_sessions() const;
  // The registered sessions of the next `share` of the users; `from`, between 0 and 1, says where that begins and is
  // moved on. Users that come or go meanwhile may be left out of one round.
  std::vector<session_ptr> some_sessions(double& from, double share) const;
  std::size_t users() const { return users_.size(); }
  std::size_t rooms() const { return rooms_.size(); }

  // Asks sessions that were handed messages whether these have arrived: with the first message after a while, every
  // four seconds or so while more come, and when none has come between the last three looks. One call looks at one of
  // so many `portions` of the sessions: all pings, and all pongs, at one moment would keep messages waiting for
  // milliseconds. Call so often that all are looked at four times a second, with a clock that counts milliseconds.
  void ask_receipts(std::uint32_t now_ms, std::size_t portions = 1);
  bool awaits_receipts() const { return !receipts_.empty(); }
  // The frames that waited in the session's ledger are handed to it.
  void release(session& s);

  // Hands what came over the bus to the sessions that it concerns, and returns to how many. `left`, `entry`, `ending`
  // and `mail` concern the user's own sessions: `about` is called with each, and may end sessions. `about` is also
  // called with sessions that watch the friend of a `friend_change`, and may end none then.
  using about_handler = std::function<void(session&, bus_message const&)>;
  std::size_t apply(bus_message const& m, about_handler const& about);

 private:
  struct distribution;
  using room_map = std::unordered_map<std::string, room, id_hash, std::equal_to<>>;

  static room& room_of(delivery::ledger::entry const& e) { return static_cast<room&>(*e.room); }
  std::optional<std::size_t> index_of(session const& s, room_id const& r) const;
  static std::optional<std::size_t> index_of(session const& s, room const& here);
  void hand_message(session& s, frame_ptr frame);
  void expect_receipt(session& s);
  bool receipt_is_due(session const& s) const;
  void ask(session& s);
  void remove_from(session& s, std::size_t index_in_session);
  std::size_t message_to_room(notice::message const& m);

  std::function<void(room_id const&)> on_empty_;
  room_map rooms_;
  std::vector<session_ptr> receipts_;  // sessions with unconfirmed messages
  std::size_t next_receipt_ = 0;  // the next of these to look at
  std::uint32_t now_ms_ = 0;
  std::unordered_map<std::string, std::vector<session*>, id_hash, std::equal_to<>> users_;
};

}  // namespace hiky::chat
