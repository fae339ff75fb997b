// SPDX-License-Identifier: Apache-2.0
// A client's message goes into its room. Other clients get it when it comes back over the bus. One per worker.
#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "chat/counters.hpp"
#include "chat/flows/comparison.hpp"
#include "chat/hub.hpp"
#include "chat/protocol/protocol.hpp"
#include "chat/requests/answers.hpp"
#include "chat/requests/lane.hpp"
#include "chat/session.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

class message_flow {
 public:
  message_flow(state::store& store, hub& here, lane& heavy, comparison& compared, answers& out, counters& count)
      : store_(store), hub_(here), heavy_(heavy), comparison_(compared), answers_(out), count_(count) {}

  // `came`: when the message came from its client.
  task<> publish(session_ptr s, std::optional<std::string> id, send_message m,
                 std::chrono::steady_clock::time_point came);

 private:
  state::store& store_;
  hub& hub_;
  lane& heavy_;
  comparison& comparison_;
  answers& answers_;
  counters& count_;
};

}  // namespace hiky::chat
