// SPDX-License-Identifier: Apache-2.0
// Binds an identity to a connection, and keeps it bound. One per worker.
#pragma once
#include <optional>
#include <string>

#include "auth/authenticator.hpp"
#include "base/token_bucket.hpp"
#include "chat/counters.hpp"
#include "chat/flows/comparison.hpp"
#include "chat/flows/doubts.hpp"
#include "chat/protocol/protocol.hpp"
#include "chat/requests/answers.hpp"
#include "chat/requests/lane.hpp"
#include "chat/room_policy.hpp"
#include "chat/session.hpp"
#include "chat/upkeep/expiries.hpp"
#include "chat/upkeep/logins.hpp"

namespace hiky::chat {

class identity_flow {
 public:
  identity_flow(asio::any_io_executor const& executor, auth::authenticator& gate, room_policy& door, expiries& ends,
                logins& known, comparison& compared, doubts& doubtful, answers& out, counters& count);

  // The identity that the client proves, in the handshake or now. Nothing when the proof was refused; then the client
  // has got the error.
  task<std::optional<auth::identity>> identify(session_ptr s, std::optional<std::string> id, auth::credentials shown);
  // The identity counts from now on. `login`: the login session that the identity comes from, if any.
  void grant(session& s, auth::grant given, std::string login);
  // The same for a session that is registered: Redis learns the rooms of the connection before the connection is
  // subscribed to new ones. True when all of that is done.
  task<bool> regrant(session_ptr s, auth::grant given, std::string login);
  task<> refresh(session_ptr s, std::optional<std::string> id, refresh_identity r);

 private:
  // The identity that `shown` proves. Nothing when the proof was refused; then the client has got the error.
  task<std::optional<auth::identity>> check(session_ptr s, std::optional<std::string> id, auth::credentials shown);
  bool note_useless_token(session& s);

  auth::authenticator& gate_;
  room_policy& door_;
  expiries& expiries_;
  logins& logins_;
  comparison& comparison_;
  doubts& doubts_;
  answers& answers_;
  counters& count_;
  lane checks_;  // of tokens, while many are of no use
  token_bucket useless_tokens_;
  std::uint32_t wary_since_ms_ = 0;
};

}  // namespace hiky::chat
