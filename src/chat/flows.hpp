// SPDX-License-Identifier: Apache-2.0
// The document's chat flows (1 to 7 and 10): from a client's frame to Redis and back. One per worker, on its thread.
// Knows sessions, not sockets. Every state change goes through `state::store`; what others see comes back over the bus.
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <unordered_map>

#include "auth/authenticator.hpp"
#include "chat/bus.hpp"
#include "chat/hub.hpp"
#include "chat/protocol.hpp"
#include "directory/directory.hpp"
#include "state/store.hpp"

namespace hiky::chat {

struct flow_limits {
  std::size_t participants_shown = 1000;  // in joinedRoom; more say `truncated`
  std::size_t backlog = 256;              // requests of one connection that may wait; then it is not read from
  float messages_per_s = 20, message_burst = 60;
  float typing_per_s = 2, typing_burst = 4;
  std::size_t rooms_per_connection = 512;
};

class flows {
 public:
  flows(asio::any_io_executor executor, std::size_t worker, instance_id instance, state::store& store, directory::directory& people,
        auth::authenticator& gate, bus& channel, counters& count, flow_limits limits);

  // One text frame of a client. Answers through session.send, now or later; requests of one session take effect in order.
  void receive(session& s, std::string_view text);
  // The socket has closed. Ends what the session holds, here at once and in Redis as soon as it can be reached.
  void closed(session& s);
  // What the bus brought for this worker.
  void deliver(bus::batch const& messages);

  // Waits until every closed session is gone from Redis too, at most `patience`; false if some are not.
  task<bool> settled(std::chrono::milliseconds patience);

  hub const& here() const { return hub_; }

 private:
  void handle(session_ptr s, request r);
  void refuse(session& s, refusal why);
  void refuse(session& s, std::optional<std::string> id, error const& why);
  void answer(session& s, std::string const& json);
  // Runs a request that later ones must not overtake.
  void exclusively(session_ptr s, task<> work);
  void resume_backlog(session& s);

  task<> run_register(session_ptr s, std::optional<std::string> id, std::optional<user_id> claimed, register_request r);
  struct arrival {
    state::connected now;
    directory::entry known;
  };
  task<result<arrival>> go_online(session_ptr s);
  task<result<void>> hear(session& s, std::vector<room_id> rooms);
  task<std::vector<std::string>> deliver_mail(session_ptr s);
  void release_held(session& s, std::vector<std::string> const& already_sent);
  task<> announce_offline(user_id user);
  task<> tell(user_id about, std::vector<user_id> friends, char kind, std::string frame);
  task<> run_join(session_ptr s, std::optional<std::string> id, room_id room);
  task<> run_leave(session_ptr s, std::optional<std::string> id, room_id room);
  task<> run_message(session_ptr s, std::optional<std::string> id, send_message m);
  task<> run_status(session_ptr s, std::optional<std::string> id, get_online_status r);
  void end_in_redis(connection_id id, user_id user);
  task<> run_disconnect(connection_id id, user_id user);
  void change_typing(session& s, set_typing t);
  void end_typing();
  void spawn(task<> work);

  asio::any_io_executor ex_;
  std::size_t worker_;
  instance_id instance_;
  state::store& store_;
  directory::directory& people_;
  auth::authenticator& gate_;
  bus& bus_;
  counters& count_;
  flow_limits limits_;
  hub hub_;
  std::size_t ending_ = 0;  // disconnects under way

  // Typing marks that this worker must end if nobody renews them. An entry counts only while it is its key's newest.
  struct typing_end {
    std::chrono::steady_clock::time_point when;
    user_id user;
    room_id room;
  };
  asio::steady_timer typing_timer_;
  std::deque<typing_end> typing_ends_;
  std::unordered_map<std::string, std::chrono::steady_clock::time_point> typing_;
};

}  // namespace hiky::chat
