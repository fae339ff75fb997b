// SPDX-License-Identifier: Apache-2.0
// Undoes a register that does not succeed. A register begins three things: the session in the hub, with its
// subscriptions; the frames that wait for the session; and its connection in Redis. Unless the register succeeds
// (`keep`), all three are undone at the end of the scope. Redis may have the connection even when its answer was lost:
// `endings` ends it like any connection, and tries until Redis has the end. No frame has reached the client by then.
#pragma once
#include <memory>

#include "chat/flows/endings.hpp"
#include "chat/hub.hpp"
#include "chat/session.hpp"

namespace hiky::chat {

class registration_guard {
 public:
  // `alive` lives as long as `here` and `ends`. A coroutine that is never resumed is destroyed after them.
  registration_guard(session_ptr s, hub& here, endings& ends, std::weak_ptr<void> alive)
      : session_(std::move(s)), hub_(here), endings_(ends), alive_(std::move(alive)) {
    session_->ledger.hold();
    hub_.attach(*session_);
  }
  registration_guard(registration_guard const&) = delete;
  registration_guard& operator=(registration_guard const&) = delete;
  ~registration_guard() {
    if (kept_ || alive_.expired()) return;
    if (in_redis_) endings_.begin(*session_, {.since_began = true});
    hub_.detach(*session_);
    session_->ledger.discard();
    session_->user = user_id{};
  }

  // Redis has refused the connection, and nothing of it is there.
  void refused_by_redis() { in_redis_ = false; }
  void keep() { kept_ = true; }

 private:
  session_ptr session_;
  hub& hub_;
  endings& endings_;
  std::weak_ptr<void> alive_;
  bool in_redis_ = true, kept_ = false;
};

}  // namespace hiky::chat
