// SPDX-License-Identifier: Apache-2.0
// Keeps this instance's lease, and undoes what dead instances left in Redis. One per process.
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/async.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

struct lease_times {
  std::chrono::milliseconds lease{15'000};  // an instance that was silent for so long is dead
  std::chrono::milliseconds tick{1'000};    // between renewals, and looks for the dead
  std::chrono::milliseconds unconfirmed{
      36'000};  // longest time a client may hold its pong back: ping interval and pong deadline
};

class janitor {
 public:
  struct effects {
    std::function<task<bool>(user_id, bool online)> tell_friends;  // false when they could not be told
    // Redis does not know this instance any more. Before its lease begins anew, all workers must know of that: while
    // the lease holds, Redis's list of a user's rooms counts for more than theirs.
    std::function<task<>()> lost;
    std::function<void()> assert_again;  // the lease has begun anew
  };

  janitor(redis::client& redis, state::store& store, instance_id own, lease_times times, effects on);

  // Takes the lease, and ends connections that an earlier run under the same name has left. `sole_owner`: ends those of
  // all other instances, too, since nothing else uses this Redis. Before the first connection.
  task<result<void>> begin(bool sole_owner);
  // Renews and sweeps until stop().
  task<> run();
  void stop();
  // A user went offline: looks for due announcements as soon as the grace is over, not only with the next tick.
  void expect_announcement(std::chrono::milliseconds grace);
  // Gives the lease up. Connections that Redis still lists are left to other instances, with an ended lease.
  task<> end();

  // From any thread. Why Redis takes no writes, in its own words; nothing while it takes them.
  std::optional<std::string> refusal() const;
  struct numbers {
    std::atomic<std::uint64_t> renewals{0}, failures{0}, losses{0}, sweeps{0}, swept_connections{0};
    std::atomic<std::int64_t> renewed_at_ns{0};  // steady clock
  };
  numbers const& count() const { return count_; }

 private:
  task<result<std::size_t>> sweep(instance_id ended);
  task<result<state::lease_renewal>> renew(bool begin);
  void renewed();
  task<> see_whether_writable();
  task<> announce_due();
  task<> announce_claimed();
  task<> end_typing();
  task<> sweep_expired(std::vector<instance_id> expired);

  redis::client& redis_;
  asio::any_io_executor ex_;
  state::store& store_;
  instance_id own_;
  lease_times times_;
  effects on_;
  numbers count_;
  mutable std::mutex refusal_lock_;
  std::optional<std::string> refusal_;
  int taken_ = 0;  // writes since the last refusal
  asio::steady_timer announcing_;
  std::size_t announcing_now_ = 0;  // announcements under way
  bool expecting_ = false;
  bool running_ = true;
};

}  // namespace hiky::chat
