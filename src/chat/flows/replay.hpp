// SPDX-License-Identifier: Apache-2.0
// Sends recovered messages in portions: messages that are more than the outbox takes must not make the client look like
// a slow reader, nor wait in memory until the client reads them. One per worker.
#pragma once
#include <span>

#include "chat/protocol/protocol.hpp"
#include "chat/requests/answers.hpp"
#include "chat/requests/lane.hpp"
#include "chat/session.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

inline constexpr std::size_t replayed_at_once = 256 * 1024;  // bytes that wait in memory until a client reads them

class replay {
 public:
  replay(asio::any_io_executor executor, state::store& store, lane& heavy, answers& out)
      : ex_(std::move(executor)), store_(store), heavy_(heavy), answers_(out) {}

  // False when the client is gone.
  task<bool> send(session_ptr s, std::span<recovery const> resumed);
  // True once all frames sent so far have left the outbox. Does not use a pong: the server does not read from a client
  // with a full backlog, so its pong would not be read either.
  task<bool> flushed(session& s);

 private:
  task<bool> send_rest(session_ptr s, recovery const& room);

  asio::any_io_executor ex_;
  state::store& store_;
  lane& heavy_;
  answers& answers_;
};

}  // namespace hiky::chat
