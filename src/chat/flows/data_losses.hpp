// SPDX-License-Identifier: Apache-2.0
// How often Redis has lost its data, as far as this worker was told. From that follows which sessions Redis does not
// know.
#pragma once
#include <cstdint>

#include "chat/session.hpp"
#include "state/chat/connections.hpp"

namespace hiky::chat {

class data_losses {
 public:
  void add() { ++count_; }
  std::uint32_t count() const { return count_; }
  // Redis must be told of the session once more.
  bool forgotten(session const& s) const {
    return s.registered && (s.asserted->losses != count_ || s.asserted->withdrawn);
  }
  // Redis knows of the session, and was told so after so many losses.
  static void note_asserted(session& s, std::uint32_t losses) {
    give_up(s, losses);
    s.asserted.mine().withdrawn = false;
  }
  // Redis does not take the session, and is not asked again before the next loss.
  static void give_up(session& s, std::uint32_t losses) { s.asserted.mine().losses = losses; }
  // Redis does not know the session, or not all of it.
  static void withdraw(session& s) { s.asserted.mine().withdrawn = true; }
  // The rooms of the user as a session knows them that was asserted after so many losses. Without a loss of data since
  // then Redis knows the rooms better.
  state::membership rooms_known_since(std::uint32_t asserted) const {
    return asserted == count_ ? state::membership::stored : state::membership::remembered;
  }

 private:
  std::uint32_t count_ = 0;
};

}  // namespace hiky::chat
