// SPDX-License-Identifier: Apache-2.0
// Sessions whose knowledge of rooms or mail may be wrong. Each session is compared with Redis in its turn (comparison).
// The comparison is tried until it succeeds. One per worker.
#pragma once
#include <unordered_set>

#include "chat/requests/turns.hpp"
#include "chat/session.hpp"

namespace hiky::chat {

class doubts {
 public:
  doubts(asio::any_io_executor executor, turns& turn) : ex_(std::move(executor)), turns_(turn) {}

  // The session may be wrong about its rooms or mail.
  void add(session& s);
  // The same, for the end of the turn that is under way.
  static void mark(session& s) { s.doubted.mine() = true; }
  // The session has been compared, and is right.
  static void settle(session& s) { s.doubted.mine() = false; }
  // A comparison or claim of the session failed.
  void try_later(session& s);

 private:
  task<> run();

  asio::any_io_executor ex_;
  turns& turns_;
  std::unordered_set<session_ptr> waiting_;
  bool running_ = false;
};

}  // namespace hiky::chat
