// SPDX-License-Identifier: Apache-2.0
// Answers to a client's requests, and what refusals cost the client: a rest, or its connection. One per worker.
#pragma once
#include <optional>
#include <string>

#include "base/error.hpp"
#include "chat/counters.hpp"
#include "chat/protocol/protocol.hpp"
#include "chat/requests/flow_limits.hpp"
#include "chat/requests/turns.hpp"
#include "chat/session.hpp"
#include "chat/user_rates.hpp"

namespace hiky::chat {

inline constexpr std::uint16_t close_flooding = 4429, close_try_again = 1013;

class answers {
 public:
  answers(turns& turn, user_rates& rates, flow_limits const& limits, counters& count)
      : turns_(turn), rates_(rates), limits_(limits), count_(count) {}

  // `json`: one frame. Nothing happens when the client is gone.
  void send(session& s, std::string const& json);
  // The same, where the client chose how much it asks for: a large answer counts as more requests than one.
  void send_charged(session& s, std::string const& json);
  // May end the session: nothing of it is touched afterwards, unless the caller holds it.
  void refuse(session& s, refusal why);
  // A failure of Redis, as the client may know it: retryable when Redis is away, `internal` when it is not the
  // client's business.
  void refuse(session& s, std::optional<std::string> id, error const& why);
  // The client did something that is as good as a refused request.
  void note_refusal(session& s);
  // The client has sent so many pings, far more than anybody needs, which counts as a refusal for each few.
  void note_pings(session& s, std::size_t times);

 private:
  turns& turns_;
  user_rates& rates_;
  flow_limits const& limits_;
  counters& count_;
};

}  // namespace hiky::chat
