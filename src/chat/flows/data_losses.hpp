// SPDX-License-Identifier: Apache-2.0
// How often Redis has lost its data, as far as this worker was told; and so, of which sessions Redis knows nothing.
#pragma once
#include <cstdint>

#include "chat/session.hpp"
#include "state/chat/connections.hpp"

namespace hiky::chat {

class data_losses {
 public:
  void add() { ++count_; }
  std::uint32_t count() const { return count_; }
  // Redis is to be told of the session once more.
  bool forgotten(session const& s) const {
    return s.registered && (s.asserted->losses != count_ || s.asserted->withdrawn);
  }
  // Redis knows of the session, and was told so after so many losses.
  static void note_asserted(session& s, std::uint32_t losses) {
    give_up(s, losses);
    s.asserted.mine().withdrawn = false;
  }
  // Redis does not take it, and is not asked again before it loses more.
  static void give_up(session& s, std::uint32_t losses) { s.asserted.mine().losses = losses; }
  // Redis does not know of it, or not what it should.
  static void withdraw(session& s) { s.asserted.mine().withdrawn = true; }
  // What a session that was asserted after so many losses knows of its user's rooms. Without a loss of data since then
  // Redis knows them better.
  state::membership rooms_known_since(std::uint32_t asserted) const {
    return asserted == count_ ? state::membership::stored : state::membership::remembered;
  }

 private:
  std::uint32_t count_ = 0;
};

}  // namespace hiky::chat
