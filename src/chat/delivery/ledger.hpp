// SPDX-License-Identifier: Apache-2.0
// The messages of its rooms that one connection has: the one answer to "does this client already have it?", "what is
// unconfirmed?" and "what is owed when it ends?". A value: no sockets, no Redis, no clock, no suspension.
//
// The law: a connection has a message when that connection showed it, by a pong to a numbered ping behind it (`asked`,
// `answered`). Nothing else counts: no close frame, no other device of the user, no place that the client names when it
// resumes.
#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/shared_frame.hpp"
#include "state/chat/room_log.hpp"

namespace hiky::chat {

// Traffic that may be left out when a reader is slow: typing first, presence next, chat never.
enum class traffic : std::uint8_t { typing, presence, chat };

namespace delivery {

// A room as one worker gets it from the bus. All of the room's connections on the worker have its messages up to
// `last`.
struct stream {
  std::string const* name = nullptr;
  state::message_place last{};  // of the latest message handed out; epoch "" while there was none
};

class ledger {
 public:
  // A room that the connection takes part in. `seat` and `open` are for the owner of the streams (hub).
  struct entry {
    stream* room;
    std::uint32_t seat : 29;  // where the room keeps the connection
    std::uint32_t open : 1;  // joined with joinRoom
    std::uint32_t
        untold : 1;  // the client has not been told of the room: whether the user belongs to it is being asked
    std::uint32_t ahead : 1;  // something beyond `room->last` came by other means than the bus
    std::uint32_t first = 0;  // low bits of the seq since which the connection has everything; 0: no message came yet
    std::uint32_t confirmed = 0;  // low bits of the seq up to which a pong has confirmed; counts once `first` is set
    std::uint32_t asked = 0;  // the same, once the ping under way is answered
    std::int64_t since_ms = 0;  // Redis TIME since which the user takes part here; 0: since the connection began
  };

  // Of one epoch, and so of one room: an epoch belongs to one room alone.
  struct range {
    std::string epoch;
    std::uint64_t first, last;
    bool in_order = true;  // a later message of the room came behind all of these on this connection; mail need not
  };

  struct waiting_frame {
    frame_ptr frame;
    traffic kind;
    state::message_place place;  // of chat messages; seq 0: it is none
  };

  // Of an ending connection and a room: the latest message that its client surely has. Epoch "": no message of it came,
  // and both numbers are Redis TIME in ms: since when the user takes part (0: since the connection began), and until
  // when that is owed.
  struct debt {
    std::string room;
    state::message_place confirmed;
    std::uint64_t to = 0;  // seq of the last message that is owed; 0: all that was said
  };

  // Where Redis says that a room stands, and until when that may have been said.
  struct standing {
    state::message_place last;
    std::int64_t until_ms = 0;
  };

  std::vector<entry> const& rooms() const { return rooms_; }
  entry& at(std::size_t index) { return rooms_[index]; }
  entry const* find(std::string_view room) const;

  // Takes part in one more room; `seat` is set by the caller.
  entry& enter(stream& room, bool open, std::int64_t since_ms);
  // Takes no part any more. The messages that it had of the room, it still has. The last entry takes the place of this
  // one.
  void leave(std::size_t index);
  // Before that, of a room that its user turns out not to belong to: the messages of it that wait will never be handed
  // out.
  void retract(std::size_t index);
  // Before that, of a room that its user still belongs to: what is unconfirmed of it, up to `upto`, is owed at the end.
  // All later messages are mail. Nothing: nobody knows which is the last that is none.
  void lapse(std::size_t index, std::optional<standing> const& upto);

  // A message came over the bus, behind `room.last`, which is its place already. False: the connection has it, or it is
  // the connection's own; nothing is to be done then.
  bool takes(entry& e, bool own);
  // It has been handed to the client, and is unconfirmed.
  void handed() {
    unconfirmed_ = true;
    if (since_ask_ < 0xffff) ++since_ask_;
  }
  // The room's epoch is about to change: its numbers begin anew. The messages that the connection had of it, it still
  // has.
  void renumber(entry& e);

  // The client has, or is being sent, these messages by other means than the bus.
  void brought(range r);
  // The same, of messages that nobody else keeps for the user: they are owed until a pong shows that they arrived.
  void sent_aside(std::string const& room, range r);
  // The client says that this is its last message of the room: it has this one, and nothing that was said before comes
  // live, however far the bus is behind. `by_connection`: it also said on which connection.
  void claims(state::message_place const& last, bool by_connection);
  // The user takes part in the messages behind this one: nothing that was said before comes live, however far the bus
  // is behind. Mail is another matter.
  void begins(state::message_place const& last);
  // The client has been told that the epoch is lost, and is given what came after it: nothing of it comes live any
  // more.
  void lost(std::string const& epoch);
  // That earlier connection was given these: the client has all of them up to the one that it claims.
  void was_given(range const& earlier);
  // Whether the client has the message or it is under way to it on this connection. Frames that wait (hold) are not.
  bool has(state::message_place const& place) const;
  // The latest message of the epoch that the connection was given in order; 0: none.
  std::uint64_t last_in_order(std::string_view epoch) const;
  // The message since which the connection has, or is handed, everything that comes live of the room in this epoch; 0:
  // none came yet.
  std::uint64_t live_from(std::string_view room, std::string_view epoch) const;
  // Whether the bus will bring it: the connection takes part in its room, and the message is behind the latest that
  // came.
  bool will_come(std::string_view room, state::message_place const& place) const;

  // Frames wait from now on, so that the client sees nothing before what is being fetched for it.
  void hold();
  bool holds() const { return extra_ && extra_->holding; }
  void wait(waiting_frame frame);
  std::size_t waiting_bytes() const { return extra_ ? extra_->waiting_bytes : 0; }
  // The frames that waited, in order, without those that came by other means meanwhile.
  std::vector<waiting_frame> release();
  // The frames that waited will never be handed out: the client has not got them.
  void discard();

  // Something was handed out that no pong has confirmed.
  bool unconfirmed() const { return unconfirmed_; }
  std::uint16_t since_ask() const { return since_ask_; }  // messages since the latest ping that asks
  bool asks() const { return ping_ != 0; }  // a ping that asks is under way
  // A ping was sent behind all that was handed out so far; its pong or that of a later one came.
  void asked(std::uint32_t ping);
  void answered(std::uint32_t ping);
  // How many messages are unconfirmed, at most.
  std::uint64_t unconfirmed_messages() const;

  // For each room what is confirmed: everything behind it is owed to the user.
  std::vector<debt> debts() const;
  // The messages that the client was given in order, on this connection and by its word before: for its next
  // connection.
  std::vector<range> given() const;

 private:
  struct extra {
    std::vector<range> ranges;  // oldest first
    std::vector<state::message_place>
        claimed;  // what the client named, while it matters on which connection it got that
    std::vector<state::message_place> begins;  // nothing up to these comes live, until the bus has passed them
    std::vector<waiting_frame> waiting;
    std::size_t waiting_bytes = 0;
    struct lapsed_debt {
      debt owed;
      bool given;  // it was handed to the client, and a pong may confirm it; else it never came here
      bool asked = false;  // the ping under way is behind it
    };
    // Of rooms that the connection may take no part in any more, and of what was sent aside.
    std::vector<lapsed_debt> lapsed;
    bool holding = false;
  };

  static constexpr auto all_of_it = std::numeric_limits<std::uint64_t>::max();

  static debt debt_of(entry const& e);
  void owe(debt owed, bool given);
  void hears_again(entry const& e);
  void keep(entry const& e);

  static std::uint64_t full(entry const& e, std::uint32_t low) {
    return e.room->last.seq - static_cast<std::uint32_t>(static_cast<std::uint32_t>(e.room->last.seq) - low);
  }
  bool was_brought(state::message_place const& place) const;
  bool is_before_begin(state::message_place const& place) const;
  bool waits(state::message_place const& place) const;
  void begin_behind(state::message_place const& last);
  extra& more() {
    if (!extra_) extra_ = std::make_unique<extra>();
    return *extra_;
  }
  void absorb(entry& e);
  void tidy();
  void look_ahead(std::string_view epoch);

  std::vector<entry> rooms_;
  std::unique_ptr<extra> extra_;  // mostly absent
  std::uint32_t ping_ = 0;  // the one under way that asks; 0: none is
  std::uint16_t since_ask_ = 0;
  bool unconfirmed_ = false;
};

}  // namespace delivery
}  // namespace hiky::chat
