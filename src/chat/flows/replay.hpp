// SPDX-License-Identifier: Apache-2.0
// Sends what was recovered, in portions: more than the outbox takes must not look like a slow reader, nor wait in
// memory until it is read. One per worker.
#pragma once
#include <span>

#include "chat/protocol/protocol.hpp"
#include "chat/requests/answers.hpp"
#include "chat/requests/lane.hpp"
#include "chat/session.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

inline constexpr std::size_t replayed_at_once = 256 * 1024;  // bytes, which wait in memory for a client to read them

class replay {
 public:
  replay(asio::any_io_executor executor, state::store& store, lane& heavy, answers& out)
      : ex_(std::move(executor)), store_(store), heavy_(heavy), answers_(out) {}

  // False when the client is gone.
  task<bool> send(session_ptr s, std::span<recovery const> resumed);
  // True once all that was sent so far has left the outbox. Not by a pong: a client with a full backlog is not read,
  // and its pong would not be heard.
  task<bool> flushed(session& s);

 private:
  task<bool> send_rest(session_ptr s, recovery const& room);

  asio::any_io_executor ex_;
  state::store& store_;
  lane& heavy_;
  answers& answers_;
};

}  // namespace hiky::chat
