// SPDX-License-Identifier: Apache-2.0
// Compares the connections that Redis lists for this instance with those that are here, and undoes the others: a
// failover to a replica that was behind brings back a connection whose end it has not heard of, and without a look
// nobody would ever end it. One per worker, on its thread.
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

// By what a connection's id begins with one knows which worker has made it.
struct connection_names {
  std::string own;               // of this worker
  std::vector<std::string>
      all;  // of all workers of this process, for the one of them that undoes what is nobody's; empty for the others

  // Whether this worker is the one to look after a connection of the instance: it has made it, or it looks after what
  // no worker has made, which an earlier process under the instance's name has left.
  bool concern(std::string_view connection) const;
};

class connection_audit {
 public:
  struct effects {
    // Whether the connection lives here or its end is on the way to Redis.
    std::function<bool(connection_id const&, user_id const&)> holds;
    // Ends it in Redis, as if it had vanished; what its user's rooms said since then may not have arrived.
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
  // Redis may know something else than it did: compares as soon as it can.
  void ask();
  // Compares once. Gives how many connections were undone; errors of Redis.
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
