// SPDX-License-Identifier: Apache-2.0
// The part of a session that one subsystem keeps. Every subsystem may read it. The owner alone writes it: the compiler
// sees to that.
#pragma once

namespace hiky::chat {

template <class Owner, class State>
class session_part {
 public:
  State const& operator*() const { return state_; }
  State const* operator->() const { return &state_; }

 private:
  friend Owner;
  friend struct session_setup;  // of tests
  State& mine() { return state_; }

  // Where the session says so as well, the next part uses the bytes that alignment would leave empty behind this one.
  [[no_unique_address]] State state_{};
};

}  // namespace hiky::chat
