// SPDX-License-Identifier: Apache-2.0
#include "ledger.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace hiky::load {

ledger::ledger(std::size_t members, std::size_t room_size, bool echoes)
    : room_size_(room_size),
      echoes_(echoes),
      said_(members),
      said_in_room_((members + room_size - 1) / room_size),
      heard_(members) {}

void ledger::said(std::size_t member) {
  std::size_t const room = member / room_size_;
  ++said_[member];
  ++said_in_room_[room];
  due_ += std::min(room_size_, said_.size() - room * room_size_) - (echoes_ ? 0 : 1);
}

std::string ledger::discrepancy() const {
  std::size_t wrong = 0;
  std::string first;
  for (std::size_t i = 0; i < said_.size(); ++i) {
    std::uint32_t const wanted = said_in_room_[i / room_size_] - (echoes_ ? 0 : said_[i]);
    if (heard_[i] == wanted) continue;
    if (wrong++ == 0) first = fmt::format("member {} heard {} messages instead of {}", i, heard_[i], wanted);
  }
  if (wrong > 1)
    first += fmt::format(", and {} more members differ ({} of {} deliveries arrived)", wrong - 1, heard_in_all_, due_);
  return first;
}

}  // namespace hiky::load
