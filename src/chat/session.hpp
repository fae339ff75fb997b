// SPDX-License-Identifier: Apache-2.0
// One connection as the chat knows it: its user and phase, and a part for each subsystem, which keeps it.
// The gateway's connection is one; tests make their own. Belongs to one worker's thread. Counted by reference, since
// Redis may answer after the socket has gone.
#pragma once
#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "auth/authenticator.hpp"
#include "base/ids.hpp"
#include "base/shared_frame.hpp"
#include "base/token_bucket.hpp"
#include "chat/delivery/ledger.hpp"
#include "chat/presence_watch.hpp"
#include "chat/session_part.hpp"
#include "state/chat/room_log.hpp"

namespace hiky::chat {

class answers;
class bus_news;
class comparison;
class data_losses;
class dispatch;
class doubts;
class going_online;
class history_flow;
class hub;
class identity_flow;
class activity;
class mail_flow;
class room_flow;
class turns;
class typing_flow;
class watches;

// Offline mail that was sent and not yet confirmed, oldest first.
struct unconfirmed_mail {
  std::vector<std::string> ids;  // messageIds; empty for entries that have none or were not shown
  std::int64_t dropped = 0;  // the number of discarded messages that was told, and is unconfirmed too
  std::size_t claimed = ids.size();  // when nothing was confirmed yet
  std::uint32_t number = 0;  // of this worker's
  std::deque<std::size_t> portions{};  // of how many `ids` each unconfirmed frame has told
};

// The turn of a session: what is under way, and what waits behind it.
struct turn_state {
  struct waiting_request {
    std::string text;
    std::chrono::steady_clock::time_point came;
  };
  std::unique_ptr<std::deque<waiting_request>> backlog{};  // the client's own close does not undo them
  std::uint32_t backlog_bytes = 0;
  bool busy : 1 = false;  // a request is under way, which no later one overtakes
  bool resting : 1 = false;  // is not listened to for a moment: too much of what it wants is refused
  bool end_waits : 1 = false;  // `closed` is called once more, behind what it asked for before
  bool pending() const { return busy || backlog; }
};

struct mail_state {
  std::unique_ptr<unconfirmed_mail> unconfirmed{};
  bool waits : 1 = false;  // came while it could not be fetched
  bool unclaimed : 1 = false;  // a claim failed, and perhaps Redis took it all the same: it must be made again
};

// How the session stands in Redis.
struct assertion_state {
  std::uint32_t losses = 0;  // of Redis's data, when Redis was told of it last
  bool withdrawn = false;  // Redis is to be told of it once more, though it has lost no data
};

// When it went online.
struct beginning {
  std::int64_t at_ms = 0;  // Redis TIME since which it hears the rooms that its user had then
  std::int64_t kick =
      0;  // the latest of its user before it began, by its number (state::connections); any other ends it
};

struct receipt_state {
  std::uint32_t asked_ms = 0;  // when it was last asked for a receipt (hub's clock)
  std::uint16_t unasked = 0;  // messages since then (ledger::since_ask), when the hub looked last
  std::uint8_t quiet = 0;  // looks in a row at which it had got no further one
  bool due = false;  // stands in the hub's list of those that will be asked for a receipt
};

struct refusal_state {
  token_bucket rate;  // until it is registered; then user_rates count
  std::uint8_t count = 0;  // wraps
};

class session {
 public:
  session() = default;
  session(session const&) = delete;
  session& operator=(session const&) = delete;
  virtual ~session() = default;

  // Queues a frame; never suspends, never throws, safe while rooms are iterated. A full outbox closes the connection
  // later. False when it was left out.
  virtual bool send(frame_ptr frame, traffic kind) = 0;
  // The answer that `send` would give to one more frame, for a frame that is to wait in the ledger: frames that wait
  // there count as if they were in the outbox.
  virtual bool admits(traffic kind) = 0;
  // While the ledger holds what comes, the frame waits there, as far as it may.
  void hold_back(frame_ptr frame, traffic kind, state::message_place place = {}) {
    if (admits(kind)) ledger.wait({std::move(frame), kind, std::move(place)});
  }
  // Ends the connection with a close frame.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  // Sends a ping, whose pong will be a receipt.
  virtual void ask_receipt() = 0;
  // Calls `done` once the client has received all that was queued so far (true), or never will (false).
  virtual void after_pong(std::function<void(bool)> done) = 0;
  // Calls `done` once all that was queued so far has left the process (true), or never will (false). Unlike a pong, it
  // needs no reading.
  virtual void after_flush(std::function<void(bool)> done) = 0;
  // Whether to read from the client; paused while too many of its requests wait.
  virtual void read_more(bool wanted) = 0;
  // The register has succeeded: from now on liveness is the only deadline.
  virtual void identified() = 0;
  virtual std::string remote_address() const = 0;
  virtual std::string_view user_agent() const = 0;

  // The connection and its user.
  connection_id id;
  user_id user;  // empty until identified
  std::unique_ptr<auth::identity> shown;  // who this is by what the handshake showed; until registered
  std::unique_ptr<auth::grant> grant;  // what the identity is restricted to; mostly absent
  std::unique_ptr<connection_id> earlier;  // the same client's connection before this one, as it says; mostly absent
  std::unique_ptr<std::string> trace;  // the trace that its handshake belongs to, if any
  std::string_view trace_id() const { return trace ? std::string_view{*trace} : std::string_view{}; }

  // The messages of its rooms that this connection has, and the frames that wait while it is being given the rest.
  [[no_unique_address]] delivery::ledger ledger;

  // In which phase. Both, while requests of before the end are carried out.
  bool registered : 1 = false;
  bool gone : 1 = false;  // the socket has closed

  // The wishes of its client when it registered.
  bool extended : 1 = false;  // frames that the document does not have
  bool acks : 1 = false;  // confirms offline mail itself
  bool newest_first : 1 = false;  // wants offline mail in the document's order
  bool returning : 1 = false;  // came back before its absence was announced

  // The parts, in an order that leaves few bytes empty: there are many idle sessions.
  [[no_unique_address]] session_part<turns, turn_state> turn;
  session_part<doubts, bool> doubted;  // what it knows of its rooms and mail is to be compared with Redis
  session_part<activity, bool> seen;  // has sent something of which `lastSeen` does not tell yet
  session_part<identity_flow, std::uint8_t> useless_tokens;  // that it has shown
  [[no_unique_address]] session_part<mail_flow, mail_state> mail;
  session_part<bus_news, std::uint16_t> notices;  // of changes to the user's rooms that came; counts, and wraps
  session_part<history_flow, std::uint32_t> greedy_ms;  // when it last got a large page of history; 0: never
  session_part<watches, boost::intrusive_ptr<presence_watch>> watch;  // mostly absent
  session_part<room_flow, room_id const*> leaving;  // that it asks to leave just now: news of that are its own
  session_part<going_online, beginning> began;
  session_part<comparison, std::int64_t>
      compared_ms;  // Redis TIME when its rooms and mail were last compared; 0: never
  session_part<typing_flow, token_bucket> typing_rate;
  session_part<dispatch, token_bucket> request_rate;  // until it is registered; then user_rates count
  [[no_unique_address]] session_part<answers, refusal_state> refused;
  [[no_unique_address]] session_part<data_losses, assertion_state> asserted;
  [[no_unique_address]] session_part<hub, receipt_state> receipt;

 private:
  friend void intrusive_ptr_add_ref(session* s) noexcept { ++s->users_; }
  friend void intrusive_ptr_release(session* s) noexcept {
    if (--s->users_ == 0) delete s;
  }
  std::uint32_t users_ = 0;
};

using session_ptr = boost::intrusive_ptr<session>;

}  // namespace hiky::chat
