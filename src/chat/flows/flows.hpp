// SPDX-License-Identifier: Apache-2.0
// The document's chat flows (1 to 7 and 10): from a client's frame to Redis and back. One per worker, on its thread.
// Knows sessions, not sockets. Every state change goes through `state::store`; frames for other clients come back over
// the bus.
//
// How it is used (gateway/worker does so; tests may do the same with a session and a Redis of their own):
//   - The constructor takes the parts that the flows ask: Redis (store), users (directory), proofs (authenticator), the
//     room policy, the bus, and the rates and counters of all workers. All of them outlive the flows. The bus's sink
//     calls `deliver`.
//   - A frame comes in by `receive`, the end of a socket by `closed`, both on the executor's thread. The caller holds
//     the session (session_ptr) until `closed` has returned.
//   - Frames go out by session.send, at once or later, in order. The flows end a session by session.close; then the
//     caller calls `closed` as after any other end.
//   - `tick` is called four times a second, and `settled` is awaited before the executor stops.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "auth/authenticator.hpp"
#include "chat/bus/bus.hpp"
#include "chat/counters.hpp"
#include "chat/hub.hpp"
#include "chat/requests/flow_limits.hpp"
#include "chat/room_policy.hpp"
#include "chat/session.hpp"
#include "chat/user_rates.hpp"
#include "directory/directory.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

struct flow_parts;

class flows {
 public:
  flows(asio::any_io_executor executor, std::size_t worker, instance_id instance, state::store& store,
        directory::directory& people, auth::authenticator& gate, room_policy& door, bus& channel, user_rates& rates,
        counters& count, flow_limits limits);
  ~flows();

  // One text frame of a client. Answers through session.send, now or later; requests of one session take effect in
  // order.
  void receive(session& s, std::string_view text);
  // A text of the client is larger than a message may be, and the connection ends next. The request gets an error if
  // its id can be seen.
  void oversized(session& s, std::string_view beginning);
  // The client sends far too many pings. Some pings together count as one refusal.
  void pinged(session& s, std::size_t times);
  // The session is ended from here, by session.close: further requests of its client are dropped.
  static void drop_requests(session& s);
  // The socket has closed. Ends what the session holds, here at once and in Redis as soon as it can be reached.
  // Messages that the client has not confirmed go to the mailbox of its user, however the connection ended.
  void closed(session& s);
  // A few times a second: asks for receipts, and compares sessions with Redis, each once a minute.
  void tick();
  // Called when a user's last connection is gone from Redis.
  void on_offline(std::function<void()> handler);
  // Takes the messages of the bus for this worker. For each message that was handed to a session here, `came` gets the
  // time at which the message came from its client.
  void deliver(bus::batch const& messages, std::vector<std::chrono::steady_clock::time_point>& came);

  // Waits until every closed session is gone from Redis too, and friends have been told of arrivals, at most
  // `patience`; false if some are not.
  task<bool> settled(std::chrono::milliseconds patience);

  // Tells the user's friends; false when they could not be told.
  task<bool> announce(user_id user, bool online);
  // Redis has lost the sessions of this worker: puts every session there again, spread over `spread`. Clients notice
  // nothing. A session that sends a request or ends meanwhile is put there first.
  void assert_again(std::chrono::milliseconds spread);
  // Redis has lost the sessions of this worker, and cannot be told yet.
  void lost();

  // Another program on the same Redis takes a user offline with its own last connection. For ever, every `pause`: users
  // with sessions here that do not count as online are put there again.
  task<> keep_online(std::chrono::milliseconds pause);
  // Whether a connection that Redis lists is here, or its end is on the way to Redis.
  bool holds(connection_id const& connection, user_id const& user) const;
  // Ends in Redis a connection that Redis lists and no worker has. Later messages of its user's rooms go to the
  // mailbox, unless another connection of the user has them.
  task<> undo(connection_id connection, user_id user, std::int64_t since_ms);

  hub const& here() const;

 private:
  bool is_idle() const;

  std::unique_ptr<flow_parts> parts_;
};

}  // namespace hiky::chat
