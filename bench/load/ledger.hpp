// SPDX-License-Identifier: Apache-2.0
// Counts how many messages each member should have got, and how many the member got. A server that loses one message
// and sends another one twice must not look complete.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hiky::load {

// Members i/room_size are in a room together. `echoes`: a message also comes back to its sender.
class ledger {
 public:
  ledger(std::size_t members, std::size_t room_size, bool echoes);

  void said(std::size_t member);
  void heard(std::size_t member) {
    ++heard_[member];
    ++heard_in_all_;
  }

  std::uint64_t heard() const { return heard_in_all_; }
  std::uint64_t due() const { return due_; }
  bool complete() const { return heard_in_all_ >= due_; }
  // Says where the counts differ. Empty if every member got every message once.
  std::string discrepancy() const;

 private:
  std::size_t room_size_;
  bool echoes_;
  std::vector<std::uint32_t> said_, said_in_room_, heard_;
  std::uint64_t due_ = 0, heard_in_all_ = 0;
};

}  // namespace hiky::load
