// SPDX-License-Identifier: Apache-2.0
// One request of a session at a time: requests of a session take effect in order, and a burst takes turns with the
// requests of all other sessions instead of standing before them in the line to Redis. Requests that come meanwhile
// wait in the session's backlog. One per worker.
#pragma once
#include <chrono>
#include <cstddef>
#include <string_view>

#include "base/async.hpp"
#include "chat/counters.hpp"
#include "chat/requests/flow_limits.hpp"
#include "chat/session.hpp"

namespace hiky::chat {

// The surroundings that a turn needs.
class turn_owner {
 public:
  // A frame's turn has come.
  virtual void perform(session_ptr s, std::string_view text, std::chrono::steady_clock::time_point came) = 0;
  // Redis knows of the session, as far as is known here. Asked before the work of a turn.
  virtual bool is_known(session const& s) const = 0;
  // Whether `settle` has something to do behind the work; `was_known` is what is_known said before.
  virtual bool is_unsettled(session const& s, bool was_known) const = 0;
  // Within the turn, behind the work: puts right what the session's next request must not meet.
  virtual task<> settle(session_ptr s, bool was_known) = 0;
  // The work, or what settles it, threw.
  virtual void failed(session& s, std::string_view reason) = 0;
  // The turn has ended, and no other has begun.
  virtual void turn_ended(session& s) = 0;
  // The end of the session, which waited behind its requests (turns::puts_off_end).
  virtual void closed(session& s) = 0;

 protected:
  ~turn_owner() = default;
};

class turns {
 public:
  turns(asio::any_io_executor executor, turn_owner& owner, flow_limits const& limits, counters& count);

  // Performs the frame now, or behind what the session has under way.
  void receive(session& s, std::string_view text, std::chrono::steady_clock::time_point came);
  // Begins a turn with this work. Only while none is under way.
  void run(session_ptr s, task<> work);
  // A turn without work: it settles the session. Harmless while one is under way, whose end does the same.
  void settle(session& s);
  // The client is not even read for a moment, so that a flood waits at its sender's and not in our turn of the loop.
  void rest(session& s);
  // The socket has closed. True when a turn is under way: `closed` of the owner follows behind all that the client
  // asked for before.
  bool puts_off_end(session& s);
  // The session is ended from here: nothing more is done of what waits.
  static void drop_backlog(session& s);
  // How many ends wait so.
  std::size_t ends_waiting() const { return ends_waiting_; }

 private:
  task<> take(session_ptr s, task<> work);
  void queue(session& s, std::string_view text, std::chrono::steady_clock::time_point came);
  void resume(session& s);

  asio::any_io_executor ex_;
  turn_owner& owner_;
  flow_limits const& limits_;
  counters& count_;
  std::size_t ends_waiting_ = 0;
  std::size_t ending_bytes_ = 0;  // of the backlogs of sessions that are gone
};

}  // namespace hiky::chat
