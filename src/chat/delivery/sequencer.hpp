// SPDX-License-Identifier: Apache-2.0
// The order of one room on this process, without I/O: events go in (a message came, the subscription was interrupted,
// a page of the room's log came), actions come out (deliver, fetch, say a gap). Refuses to know Redis, sockets, clocks,
// coroutines, and what a message looks like. `bus` performs the actions and reports what became of them.
//
// The invariant: each message of the log's order is delivered exactly once and ascending, from the place where the room
// began here; or the gap is said, before anything that stands behind the gap.
//
// A message that is next in line is delivered. Any other makes the sequencer ask the log. One question is under way at
// a time, and messages that come meanwhile are held. A question bears a ticket, and so does its answer: answers to
// earlier questions are ignored. One thing is assumed about the order of arrival: a question that was asked after a
// message came is answered by a log that has this message, or has lost it.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "state/chat/room_log.hpp"

namespace hiky::chat {

struct bus_message;

class sequencer {
 public:
  using payload = std::shared_ptr<bus_message const>;  // never looked into
  using ticket = std::uint32_t;

  struct message {
    std::uint64_t seq = 0;
    std::size_t mark = 0;  // of the text, not 0: two messages of one number show that Redis went back to an older state
    payload what;
  };
  // The log's messages behind the `after` of a fetch, in order.
  struct page {
    std::string epoch;  // empty: nothing was ever said, or all was lost
    std::uint64_t newest = 0;  // of the room, also when the log does not hold it any more
    bool more = false;  // the log holds messages behind these
    std::vector<message> messages;
  };

  struct deliver {
    payload what;
  };
  // Messages `from` to `to` are lost for good.
  struct say_gap {
    std::uint64_t from, to;
  };
  // The room's epoch is another one now. Nobody knows how much is lost. The same one: nor where it goes on.
  struct say_epoch_over {
    std::string was, now;
  };
  // To be answered by `fetched` or `failed`.
  struct fetch {
    ticket number;
    std::uint64_t after;
  };
  // Redis stands behind what was delivered, or tells it otherwise: nobody must get these numbers again. To be answered
  // by `epoch_begun` or `failed`.
  struct begin_epoch {
    ticket number;
    std::string over;
    std::uint64_t latest, newest;  // the latest message that was delivered; and the newest of Redis
  };
  // To be answered by `waited`, in a moment.
  struct wait {
    ticket number;
  };
  // A question is the last action of an event.
  using action = std::variant<deliver, say_gap, say_epoch_over, fetch, begin_epoch, wait>;
  using actions = std::vector<action>;

  // Whether the place is known. Otherwise the first message tells, or `begin_at`.
  bool known() const { return known_; }

  // Messages behind `place` are to be delivered; seq 0 in epoch "" is before the room's first one. Counts only while
  // the place is unknown.
  void begin_at(state::message_place place);
  // A push brought the message.
  void pushed(std::string_view epoch, message m, actions& out);
  // The subscription holds from now on: what was said before may have come to nobody.
  void subscribed(actions& out);
  // Nothing comes until `subscribed`, neither messages nor answers.
  void connection_lost();

  void fetched(ticket number, page found, actions& out);
  void epoch_begun(ticket number, actions& out);
  // `for_now`: the same question may be answered in a moment.
  void failed(ticket number, bool for_now, actions& out);
  void waited(ticket number, actions& out);

 private:
  enum class question : std::uint8_t { page, epoch, pause };
  struct held_message {
    std::string epoch;
    message what;
    ticket during;  // the question that was under way when it came
  };
  // There only while a question is under way: a quiet room has none.
  struct inquiry {
    std::vector<held_message> held;
    question asked = question::page;
    bool compare = true;  // the next page, with the last message delivered
    bool compared = false;  // the page under way
    bool again = false;  // what the answer says may be too old
  };

  void hold(std::string_view epoch, message m);
  void ask(actions& out);
  bool expects(ticket number, question what) const;
  void take_page(page& found, actions& out);
  void give_up(actions& out);
  void settle(actions& out);
  bool change_epoch(std::string const& epoch, actions& out);
  void skip_to(std::uint64_t seq, actions& out);
  void hand_on(message&& m, actions& out);

  state::message_place last_;  // of the last message delivered
  std::size_t mark_ = 0;  // of the message at `last_`; 0: not known
  std::unique_ptr<inquiry> inquiry_;
  ticket ticket_ = 0;
  bool known_ = false;
};

}  // namespace hiky::chat
