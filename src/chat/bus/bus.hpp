// SPDX-License-Identifier: Apache-2.0
// To and from other instances, and from this one to itself: everything reaches clients through Redis, in one order for
// everybody. One Redis subscriber per process: the first worker's connection, so that there the answer to a publish and
// the message itself arrive together, in one write of Redis and one read here. It knows which worker wants which room,
// and hands each the same finished frame. Lives on one worker's thread; `listen` and `ignore` may be called from any.
#pragma once
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/ids.hpp"
#include "chat/bus/bus_message.hpp"
#include "chat/delivery/sequencer.hpp"
#include "redis/client.hpp"
#include "state/chat/room_log.hpp"

namespace hiky::chat {

class bus {
 public:
  using batch = std::vector<std::shared_ptr<bus_message const>>;
  // Called on the bus's thread with what one read brought for the worker, and when that was.
  using sink = std::function<void(batch, std::chrono::steady_clock::time_point)>;

  // Lives on `connection`'s executor, takes its pushes and state for itself, and must be there before its start().
  // `gate_patience`: how long a worker may take to compare its sessions, see `compared`.
  bus(redis::client& connection, instance_id instance,
      std::chrono::milliseconds gate_patience = std::chrono::seconds{10});

  // Before the connection's start(). At most 64 workers.
  void add_worker(sink to);
  // Watches from now on whether the subscription lives.
  void start();
  void stop();

  // The worker hears these rooms from when this returns. not_connected or timeout: it may not; ask again.
  task<result<void>> listen(std::size_t worker, std::vector<room_id> rooms);
  // What a worker gets of what was said between `places` and now.
  enum class since {
    here,  // of rooms that are new to this process; of others what comes
    place,  // of all rooms: what others of this process have had already, too
  };
  // Begins to listen; `listen` awaits it. What was said after `places`, one for each room, comes from the log if need
  // be.
  task<> begin_listening(std::size_t worker, std::vector<room_id> rooms, std::vector<state::message_place> places,
                         since which = since::here);
  // The worker does not need the room any more. Calls of one worker take effect in the order they were made.
  void ignore(std::size_t worker, room_id room);
  // What Redis had published before this call has been given to the worker when it returns true. False: there is no
  // connection, or the worker has still to compare its sessions (`compared`).
  task<bool> catch_up(std::size_t worker);
  // After each interruption the worker gets `r` at once, and nothing behind it before it says here that its sessions
  // are as Redis says: whoever was removed from a room meanwhile hears nothing more of it. `generation` is the
  // `seq` of that `r`; an earlier one opens nothing. From any thread.
  void compared(std::size_t worker, std::uint64_t generation);

  // Whether another process lives under this instance's name: its heartbeat comes here as ours does there. Before
  // start().
  task<bool> has_twin();

  // Subscribed, and a canary came back lately.
  bool alive() const { return connected_ && hears_; }

  // From any thread: how long the latest canary took through Redis and back, and how often loss had to be said.
  std::chrono::nanoseconds lag() const { return std::chrono::nanoseconds{lag_ns_.load(std::memory_order_relaxed)}; }
  std::uint64_t gaps() const { return gaps_.load(std::memory_order_relaxed); }

 private:
  using done = asio::any_completion_handler<void(result<void>)>;
  struct waiter {
    std::size_t missing;
    done then;
  };
  struct channel {
    std::uint64_t workers = 0;
    std::uint32_t unconfirmed = 0;  // SUBSCRIBE and UNSUBSCRIBE sent, answers not seen
    std::uint32_t life = 0;  // differs whenever the order has begun anew: an answer to an earlier one is nobody's
    bool learning = false;  // Redis is asked where the room stands
    std::vector<std::shared_ptr<waiter>> waiting{};
    sequencer order{};
  };

  void want(std::size_t worker, std::vector<room_id> const& rooms, std::vector<state::message_place> const& places,
            since which, done then);
  void unwant(std::size_t worker, std::string const& room);
  void pushed(std::span<redis::node const> message);
  void confirmed(std::string_view channel_name);
  void received(std::string_view channel_name, std::string_view payload);
  void flush();
  void received_message(std::string_view room, channel& c, std::shared_ptr<bus_message> m);
  // Performs what the room's sequencer has put into `actions_`.
  void perform(std::string_view room, channel& c);
  void hand_on(channel const& c, std::shared_ptr<bus_message const> m, std::size_t worker = sequencer::everybody);
  void say_gap(std::string_view room, channel const& c, std::uint64_t from, std::uint64_t to, std::size_t worker);
  task<> run_fetch(std::string room, std::uint32_t life, sequencer::fetch what);
  task<> run_begin_epoch(std::string room, std::uint32_t life, sequencer::begin_epoch what);
  task<> run_wait(std::string room, std::uint32_t life, sequencer::wait what);
  void answer_failed(std::string_view room, channel& c, sequencer::ticket number, error const& why);
  channel* find(std::string_view room, std::uint32_t life);
  task<> learn_places(std::vector<std::pair<std::string, std::uint32_t>> rooms);
  void settle(channel& c);
  task<> watch();
  void spawn(task<> work);
  void begin_gated();
  void open_gate(std::size_t worker);
  void state_changed(bool up);
  void expire();
  void finish(waiter& w, result<void> outcome);

  asio::any_io_executor ex_;
  redis::client& client_;
  state::room_log log_;
  std::string room_prefix_, instance_channel_, canary_;
  std::vector<sink> sinks_;
  std::vector<batch> batches_;
  std::unordered_map<std::string, channel, id_hash, std::equal_to<>> rooms_;
  asio::steady_timer deadline_;
  std::deque<std::pair<std::chrono::steady_clock::time_point, std::weak_ptr<waiter>>> deadlines_;
  std::uint32_t last_life_ = 0;
  std::uint32_t connection_ = 0;  // its number
  sequencer::actions actions_;  // of the event that is being performed
  std::uint64_t subscriptions_ = 0;  // of the instance channel: how often it was confirmed
  std::uint64_t gated_ = 0;  // workers that get nothing until they have compared
  std::chrono::milliseconds gate_patience_;
  asio::steady_timer gate_deadline_;
  std::atomic<bool> connected_{false}, hears_{true};
  std::chrono::steady_clock::time_point last_canary_, canary_sent_;
  std::optional<std::chrono::steady_clock::time_point> read_at_;  // of the batches that are being filled
  std::atomic<std::int64_t> lag_ns_{0};
  std::atomic<std::uint64_t> gaps_{0};
  bool running_ = false;
  bool twin_ = false;  // a canary of another process was heard
};

}  // namespace hiky::chat
