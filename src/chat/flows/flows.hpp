// SPDX-License-Identifier: Apache-2.0
// The document's chat flows (1 to 7 and 10): from a client's frame to Redis and back. One per worker, on its thread.
// Knows sessions, not sockets. Every state change goes through `state::store`; what others see comes back over the bus.
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <unordered_map>
#include <unordered_set>

#include "auth/authenticator.hpp"
#include "chat/bus/bus.hpp"
#include "chat/hub.hpp"
#include "chat/requests/lane.hpp"
#include "chat/protocol/protocol.hpp"
#include "chat/room_policy.hpp"
#include "chat/upkeep/activity.hpp"
#include "chat/upkeep/expiries.hpp"
#include "chat/upkeep/logins.hpp"
#include "chat/upkeep/returns.hpp"
#include "chat/upkeep/watches.hpp"
#include "chat/user_rates.hpp"
#include "directory/directory.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

struct flow_limits {
  std::size_t participants_shown = 1000;  // in joinedRoom; more say `truncated`
  std::size_t backlog = 256,
              backlog_bytes = 256 * 1024;  // requests of one connection that may wait; then it is not read from
  float messages_per_s = 20, message_burst = 60;
  float typing_per_s = 2, typing_burst = 4;
  float requests_per_s = 50, request_burst = 1000;  // all but messages
  float refusals_per_s = 5,
        refusal_burst = 200;  // requests whose refusal is the client's own doing; beyond that it is closed with 4429
  std::size_t rooms_per_connection = 512;
  std::size_t joined_messages = 200;  // that joinedRoom brings when asked `since`; `history` brings more
  std::chrono::milliseconds seen_every{10'000};  // between writes of `lastSeen`
  std::chrono::milliseconds session_check{
      10'000};  // in which each login of an application is looked at again; 0: at its end alone
  std::size_t replayed = 1200;  // messages of one room that a resume brings; the log keeps about as many
  std::size_t replayed_bytes =
      4 * 1024 * 1024;  // of one room; larger messages end it sooner, and the rest is there for `history`
  std::size_t resumed_bytes = 16 * 1024 * 1024;  // of all rooms of a resume
  std::size_t ending_bytes =
      16 * 1024 * 1024;  // requests of clients that have closed, on a worker; beyond that they are not carried out
  // These are kept by others, and told to clients.
  std::size_t frame = 64 * 1024, outbox = 1 << 20, connections_per_user = 16;
  std::chrono::milliseconds ping_every{25'000}, pong_within{10'000};
};

class flows {
 public:
  flows(asio::any_io_executor executor, std::size_t worker, instance_id instance, state::store& store,
        directory::directory& people, auth::authenticator& gate, room_policy& door, bus& channel, user_rates& rates,
        counters& count, flow_limits limits);

  // One text frame of a client. Answers through session.send, now or later; requests of one session take effect in
  // order.
  void receive(session& s, std::string_view text);
  // A text of the client is larger than a message may be, which ends the connection next; the request is told so if its
  // id can be seen.
  void oversized(session& s, std::string_view beginning);
  // The client pings far more than anybody needs to, which counts as a refusal for each few.
  void pinged(session& s, std::size_t times);
  // The socket has closed. Ends what the session holds, here at once and in Redis as soon as it can be reached. What
  // the client has not shown to have received goes to its user's mail, however the connection ended.
  void closed(session& s);
  // A few times a second: asks for receipts, and compares sessions with Redis, each once a minute.
  void tick();
  // Called when a user's last connection is gone from Redis.
  void on_offline(std::function<void()> handler) { offline_ = std::move(handler); }
  // What the bus brought for this worker. To `came` is added when those messages came from their clients that somebody
  // here was handed.
  void deliver(bus::batch const& messages, std::vector<std::chrono::steady_clock::time_point>& came);

  // Waits until every closed session is gone from Redis too, and friends have been told of arrivals, at most
  // `patience`; false if some are not.
  task<bool> settled(std::chrono::milliseconds patience);

  // Tells the user's friends; false when they could not be told.
  task<bool> announce(user_id user, bool online);
  // Puts every session of this worker into Redis again, which has lost them; spread over `spread`. Clients notice
  // nothing. A session that wants something or ends meanwhile is put there first.
  void assert_again(std::chrono::milliseconds spread);
  // Redis has lost them, and cannot be told yet.
  void lost() { ++data_; }

  // Another program on the same Redis takes a user offline with its own last connection. For ever, every `pause`: users
  // who have sessions here and do not count as online are put there again.
  task<> keep_online(std::chrono::milliseconds pause);
  // Whether a connection that Redis lists lives here, or its end is on the way to Redis.
  bool holds(connection_id const& connection, user_id const& user) const;
  // Ends in Redis a connection that it lists and nobody has. What its user's rooms said since then goes to the mailbox,
  // unless others have heard it.
  task<> undo(connection_id connection, user_id user, std::int64_t since_ms);

  hub const& here() const { return hub_; }

 private:
  // Typing marks that this worker must end if nobody renews them. An entry counts only while it is its key's newest.
  struct typing_end {
    std::chrono::steady_clock::time_point when;
    user_id user;
    room_id room;
    std::uint32_t data;  // as data_ was
  };

  void handle(session_ptr s, request r, std::chrono::steady_clock::time_point came);
  // May end the session: nothing of it is touched afterwards, unless the caller holds it.
  void refuse(session& s, refusal why);
  void note_refusal(session& s);
  void rest(session& s);
  void count_over(rate_limit which) { count_.rate_limited[static_cast<std::size_t>(which)].add(); }
  void refuse(session& s, std::optional<std::string> id, error const& why);
  void answer(session& s, std::string const& json);
  // The same, where the client chose how much it asks for: a large answer counts as more requests than one.
  void answer_charged(session& s, std::string const& json);
  // Runs a request; later ones of the session wait.
  void exclusively(session_ptr s, task<> work);
  void resume_backlog(session& s);

  // Who this is, by what was shown in the handshake or now; nothing when that was refused, and said.
  task<std::optional<auth::identity>> identify(session_ptr s, std::optional<std::string> id, auth::credentials shown);
  // `login`: the application's session that it comes from, if any.
  void grant(session& s, auth::grant given, std::string login);
  task<bool> regrant(session_ptr s, auth::grant given, std::string login);
  task<> leave_forbidden(session_ptr s);
  // Asks the policy; false when the user may not enter, which has been said then.
  bool note_useless_token(session& s);
  task<bool> may_replace(session_ptr s, user_id user);
  task<bool> may_enter(session_ptr s, std::optional<std::string> id, room_id room);
  // `at_ms`: the time in Redis; 0: it is not told, nor what else a client needs to know once.
  void answer_registered(session& s, std::optional<std::string> const& id, std::vector<room_id> const& rooms,
                         std::vector<recovery> const& resumed, std::int64_t at_ms = 0);
  task<> run_refresh(session_ptr s, std::optional<std::string> id, refresh_identity r);
  task<> run_register(session_ptr s, std::optional<std::string> id, std::optional<user_id> claimed, register_request r);
  task<result<state::connected>> go_online(session_ptr s, directory::entry& who);
  state::connection_details details(session const& s) const;
  task<result<void>> hear(session& s, std::vector<room_id> rooms, std::int64_t since_ms = 0);
  task<> deliver_mail(session_ptr s);
  task<result<state::claimed_mail>> claim_mail(session_ptr s);
  task<bool> send_mail(session_ptr s, state::claimed_mail mail, std::vector<std::size_t> shown_up_to);
  // Mail that came to be while the user was online: another connection has ended and had perhaps not received it.
  void fetch_mail(session& s);
  task<> run_fetch_mail(session_ptr s);
  void confirm_mail(session& s, std::size_t count);
  void take_offline_ack(session& s, offline_ack const& ack);
  // The part of a room's log that was read; `page` holds the beginning of it, and `more` and `newest` of its end.
  struct log_reading {
    state::log_page page;
    std::uint64_t first = 0, last = 0;  // seqs; 0: nothing was found
    std::size_t count = 0, bytes = 0;
  };
  task<result<log_reading>> read_after(room_id room, std::uint64_t seq, std::size_t most, std::size_t bytes,
                                       std::size_t keep);
  task<result<recovery>> recover(room_id room, std::string since, std::size_t most, std::size_t bytes,
                                 std::size_t keep);
  task<result<std::vector<recovery>>> recover_all(state::connected const& online,
                                                  std::vector<std::pair<room_id, std::string>> wanted);
  task<bool> replay(session_ptr s, std::span<recovery const> resumed);
  task<bool> replay_rest(session_ptr s, recovery const& room);
  static void note_recovery(session& s, std::string const& since, recovery const& found, bool on_connection);

  // What a session knows of its rooms and mail may be wrong: it is compared with Redis in the session's turn, and that
  // is tried until it is done.
  void doubt(session& s);
  void claim_later(session& s);
  void try_later(session& s);
  task<> run_doubts();
  task<bool> compare(session_ptr s);
  task<result<bool>> enter_late(session_ptr s, room_id room, std::int64_t since_ms, std::int64_t now_ms);
  // The bus was away: all sessions are compared, and those whose room it is no more have left it, before the bus goes
  // on.
  task<> compare_all(std::uint64_t interruption);
  task<> compare_some();
  task<> ask_receipts();
  struct doubtful {
    session_ptr who;
    bool known;  // to Redis
    std::vector<room_id> rooms;  // that its user belongs to
  };
  task<result<std::vector<doubtful>>> find_doubtful(std::span<session_ptr const> some);
  bool agrees(session const& s, state::seen_by_redis const& seen) const;
  task<bool> tell_friends(directory::entry who, bool online);
  void announce_arrival(directory::entry who);
  task<> run_assert_again(std::chrono::milliseconds spread);
  bool forgotten(session const& s) const { return s.registered && (s.asserted != data_ || s.unasserted); }
  task<result<void>> assert_session(session_ptr s);
  task<> run_assert_session(session_ptr s);
  state::known_rooms rooms_known_since(std::uint32_t asserted) const;
  task<> run_join(session_ptr s, std::optional<std::string> id, join_room r);
  task<bool> join(session_ptr s, std::optional<std::string> id, join_room r);
  task<bool> flushed(session& s);
  task<> run_leave(session_ptr s, std::optional<std::string> id, room_id room);
  task<> run_message(session_ptr s, std::optional<std::string> id, send_message m,
                     std::chrono::steady_clock::time_point came);
  task<> run_history(session_ptr s, std::optional<std::string> id, get_history r);
  task<> run_status(session_ptr s, std::optional<std::string> id, get_online_status r);
  task<> run_participants(session_ptr s, std::optional<std::string> id, get_participants r);
  task<> run_watch(session_ptr s, std::optional<std::string> id, watch_presence r);
  void end_in_redis(session const& s, state::unsure_mail unsure = {}, bool heavy = false);
  task<> run_disconnect(state::connection_details ended, std::uint32_t asserted, bool known, state::unsure_mail unsure,
                        bool heavy);
  void change_typing(session& s, set_typing t);
  void refuse_banned(session& s, std::optional<std::string> id, std::int64_t seconds);
  // Somebody else, perhaps on another instance, wants it gone.
  void end_session(session& s, bus_message::ending const& why);
  // Just before the session's rooms change, though it did not ask for that: with `events` it is told.
  enum class room_change : std::uint8_t { added, removed };
  void tell_room(session& s, room_id const& room, room_change what);
  void end_typing();
  task<> run_end_typing(typing_end due);
  void spawn(task<> work);

  asio::any_io_executor ex_;
  std::size_t worker_;
  instance_id instance_;
  state::store& store_;
  directory::directory& people_;
  auth::authenticator& gate_;
  room_policy& door_;
  bus& bus_;
  user_rates& rates_;
  counters& count_;
  flow_limits limits_;
  hub hub_;
  activity activity_;
  expiries expiries_;
  logins logins_;
  watches watches_;
  returns returns_;
  lane checks_;  // of tokens, while many are of no use
  token_bucket useless_tokens_;
  std::uint32_t wary_since_ms_ = 0;
  lane heavy_;  // what keeps Redis busy for longer than an ordinary request: messages into many mailboxes, and long
                // tails put into one
  std::function<void()> offline_;
  std::unordered_set<session_ptr> doubts_;  // sessions whose comparison or claim is to be tried again
  bool resolving_doubts_ = false, comparing_some_ = false, asking_receipts_ = false;
  std::uint64_t interruption_ = 0;  // the latest of the bus, by its number
  double round_ = 0;  // which of hub's sessions are compared next: 0 to 1
  std::uint32_t last_mail_ = 0;
  std::size_t ending_bytes_ = 0;  // of the backlogs of sessions that are gone
  std::size_t ending_ = 0;  // disconnects under way or waiting for a request, and arrivals that friends are being told
  std::unordered_multiset<std::string> ends_;  // connections whose disconnect is under way
  std::uint32_t data_ = 0;  // counts how often Redis has lost data

  asio::steady_timer typing_timer_;
  std::deque<typing_end> typing_ends_;
  std::unordered_map<std::string, std::chrono::steady_clock::time_point> typing_;
};

}  // namespace hiky::chat
