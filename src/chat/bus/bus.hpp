// SPDX-License-Identifier: Apache-2.0
// To and from other instances, and from this one to itself: everything reaches clients through Redis, in one order for
// everybody. One Redis subscriber per process: the first worker's connection, so that there the answer to a publish and
// the message itself arrive together, in one write of Redis and one read here. The bus knows which worker is subscribed
// to which room, and hands each of them the same finished frame. Lives on one worker's thread; `subscribe`,
// `begin_subscribing`, `unsubscribe`, `catch_up` and `compared` may be called from any.
#pragma once
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/ids.hpp"
#include "chat/bus/canary.hpp"
#include "chat/bus/inboxes.hpp"
#include "chat/delivery/sequencer.hpp"
#include "redis/client.hpp"
#include "state/chat/channels.hpp"
#include "state/chat/room_log.hpp"

namespace hiky::chat {

class bus {
 public:
  using batch = inboxes::batch;
  // Called on the bus's thread.
  using sink = inboxes::sink;

  // Lives on `connection`'s executor, takes its pushes and state for itself, and must be there before its start().
  // `gate_patience`: how long a worker may take to compare its sessions, see `compared`.
  bus(redis::client& connection, instance_id instance,
      std::chrono::milliseconds gate_patience = std::chrono::seconds{10});

  // Before the connection's start(). At most worker_set::most.
  void add_worker(sink to) { inboxes_.add(std::move(to)); }
  // Watches from now on whether the subscription lives.
  void start();
  void stop() { canary_.stop(); }

  // The worker gets what is said in these rooms from when this returns. not_connected or timeout: perhaps it does not;
  // subscribe again.
  task<result<void>> subscribe(std::size_t worker, std::vector<room_id> rooms);
  // The same, but returns at once; `subscribe` waits for it. Of a room that is new to this process, messages behind
  // its place in `places` come from the log if need be; of another room, the worker gets only later messages.
  task<> begin_subscribing(std::size_t worker, std::vector<room_id> rooms, std::vector<state::message_place> places);
  // The worker does not need the room any more. Calls of one worker take effect in the order they were made.
  void unsubscribe(std::size_t worker, room_id room);
  // Everything that Redis had published before this call has been given to the worker when it returns true. False:
  // there is no connection, or the worker has still to compare its sessions (`compared`).
  task<bool> catch_up(std::size_t worker);
  // After each interruption the worker gets `interrupted` at once, and nothing behind it before it says here that its
  // sessions are as Redis says: a user who was removed from a room meanwhile gets nothing more of it. `generation` is
  // that of the `interrupted`; an earlier one opens nothing.
  void compared(std::size_t worker, std::uint64_t generation) { inboxes_.compared(worker, generation); }

  // Whether another process lives under this instance's name: its heartbeat comes here as ours does there. Before
  // start().
  task<bool> has_twin() { return canary_.has_twin(); }

  // From any thread: subscribed, and a canary came back lately; how long the latest took through Redis and back; and
  // how often loss had to be said.
  bool alive() const { return connected_ && canary_.comes_back(); }
  std::chrono::nanoseconds lag() const { return canary_.lag(); }
  std::uint64_t gaps() const { return gaps_.load(std::memory_order_relaxed); }

 private:
  using done = asio::any_completion_handler<void(result<void>)>;
  // A call of `subscribe`.
  struct waiter {
    std::size_t missing;  // rooms that it waits for
    done then;
  };
  struct channel {
    worker_set workers{};
    std::uint32_t unconfirmed = 0;  // SUBSCRIBE and UNSUBSCRIBE sent, answers not seen
    std::uint32_t life = 0;  // differs whenever the order has begun anew: an answer to an earlier one is nobody's
    bool learning = false;  // Redis is asked where the room stands
    std::vector<std::shared_ptr<waiter>> waiting{};
    sequencer order{};
  };
  // Rooms whose places are to be learnt, and the lives of their channels.
  using unknown_rooms = std::vector<std::pair<std::string, std::uint32_t>>;

  void spawn(task<> work);

  // bus.cpp: what Redis says.
  void pushed(std::span<redis::node const> message);
  void received(std::string_view channel_name, std::string_view payload);
  void received_of_room(std::string_view room, std::string_view payload);
  void received_of_instance(std::string_view payload);
  void unreadable(std::string_view channel_name, std::string_view payload) const;
  void state_changed(bool up);

  // bus_rooms.cpp: the subscription of rooms.
  void subscribe_here(std::size_t worker, std::vector<room_id> const& rooms,
                      std::vector<state::message_place> const& places, done then);
  void unsubscribe_here(std::size_t worker, std::string const& room);
  void subscription_lost();
  void subscribe_anew();
  void await_confirmation(channel& c, std::string const& room, unknown_rooms& unknown);
  void send_subscribe(std::vector<std::string_view> const& rooms, unknown_rooms unknown);
  void confirmed(std::string_view room);
  void settle(channel& c);
  void finish(waiter& w, result<void> outcome);
  void expire();
  task<> learn_places(unknown_rooms rooms);

  // bus_fill.cpp: the order of rooms.
  void take_in_order(std::string_view room, channel& c, inboxes::message m);
  // Performs what the room's sequencer has put into `actions_`.
  void perform(std::string_view room, channel& c);
  void say_gap(std::string_view room, channel const& c, std::uint64_t from, std::uint64_t to);
  channel* find(std::string_view room, std::uint32_t life);
  task<> run_fetch(std::string room, std::uint32_t life, sequencer::fetch what);
  task<> run_begin_epoch(std::string room, std::uint32_t life, sequencer::begin_epoch what);
  task<> run_wait(std::string room, std::uint32_t life, sequencer::wait what);
  void answer_failed(std::string_view room, channel& c, sequencer::ticket number, error const& why);

  asio::any_io_executor ex_;
  redis::client& client_;
  state::room_log log_;
  state::channels names_;
  std::string instance_channel_;
  canary canary_;
  inboxes inboxes_;
  std::unordered_map<std::string, channel, id_hash, std::equal_to<>> rooms_;
  asio::steady_timer deadline_;
  std::deque<std::pair<std::chrono::steady_clock::time_point, std::weak_ptr<waiter>>> deadlines_;
  std::uint32_t last_life_ = 0;
  std::uint32_t connection_ = 0;  // its number
  sequencer::actions actions_;  // of the event that is being performed
  std::atomic<bool> connected_{false};
  std::atomic<std::uint64_t> gaps_{0};
};

}  // namespace hiky::chat
