// SPDX-License-Identifier: Apache-2.0
// Compares the connections that Redis lists for this instance with the connections that are here, and undoes the
// others. A failover to a replica that was behind brings back a connection whose end the replica does not know. Nothing
// else would ever end such a connection. One per worker, on its thread.
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "state/chat/connection_lists.hpp"

namespace hiky::chat {

// The first part of a connection's id names the worker that has made it.
struct connection_names {
  std::string own;  // of this worker
  std::vector<std::string>
      all;  // of all workers of this process, for the worker that undoes connections of no worker; empty for the others

  // Whether this worker looks after a connection of the instance. A worker looks after the connections that it has
  // made. One worker also looks after connections that no worker of this process has made: an earlier process under the
  // name of the instance has left them.
  bool concern(std::string_view connection) const;
};

class connection_audit {
 public:
  struct effects {
    // Whether the connection lives here or its end is on the way to Redis.
    std::function<bool(connection_id const&, user_id const&)> holds;
    // Ends the connection in Redis, as if its client had vanished. Messages of its user's rooms since `since_ms` may
    // not have arrived.
    std::function<task<>(connection_id, user_id, std::int64_t since_ms)> undo;
    // The other direction, when a comparison is done: the connections of this worker that Redis lists. May be left
    // empty.
    std::function<void(std::vector<connection_id>)> listed{};
  };
  // `unconfirmed`: how long a message may be on its way to a client, at most. `lease` of silence are an instance's end.
  connection_audit(asio::any_io_executor executor, state::connection_lists& lists, instance_id own,
                   connection_names names, std::chrono::milliseconds lease, std::chrono::milliseconds unconfirmed,
                   effects on);

  // Compares at once, every few leases, and when asked to. For ever.
  task<> run();
  // The state of Redis may have changed: compares as soon as possible.
  void ask();
  // Compares once. Gives the number of connections that were undone, or an error of Redis.
  task<result<std::size_t>> compare();

 private:
  asio::any_io_executor ex_;
  state::connection_lists& lists_;
  instance_id own_;
  connection_names names_;
  std::chrono::milliseconds lease_, unconfirmed_;
  effects on_;
  asio::steady_timer pause_;
  std::optional<std::int64_t> last_clean_ms_;  // Redis TIME when nothing was found that is not here
  bool asked_ = false;
};

}  // namespace hiky::chat
