// SPDX-License-Identifier: Apache-2.0
// One room of one connection, and its ledger: messages come over the bus, and the room is left.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chat/delivery/ledger.hpp"

namespace unit {

using namespace hiky;
using hiky::chat::traffic;
using hiky::chat::delivery::ledger;
using hiky::chat::delivery::stream;
using hiky::state::message_place;

inline std::string const tea = "tea", chess = "chess";
inline frame_ptr const some_frame = shared_frame::make("a frame", 0x81);

struct one_room : testing::Test {
  stream room{&tea, {}};
  ledger has;
  // A message comes over the bus; true when it goes to the client.
  bool comes(std::uint64_t seq, bool own = false, std::string epoch = "e") {
    if (room.last.epoch != epoch && !room.last.epoch.empty()) has.renumber(has.at(0));
    room.last = {std::move(epoch), seq};
    if (!has.takes(has.at(0), own)) return false;
    if (has.holds()) has.wait({some_frame, traffic::chat, room.last});
    else has.handed();
    return true;
  }
  std::uint64_t confirmed() { return has.debts().at(0).confirmed.seq; }
  // The room is left, with what it owes: all is mail behind `upto`.
  void lapses(message_place upto) { lapses(std::optional{ledger::standing{std::move(upto)}}); }
  void lapses(std::optional<ledger::standing> const& upto) {
    has.lapse(0, upto);
    has.leave(0);
  }
  using ranges = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  ranges owed() {
    ranges out;
    for (auto const& each : has.debts()) out.emplace_back(each.confirmed.seq + 1, each.to);
    return out;
  }
  bool owes(std::uint64_t seq) {
    auto const all = owed();
    return std::ranges::any_of(
        all, [&](auto const& each) { return seq >= each.first && (each.second == 0 || seq <= each.second); });
  }
};

}  // namespace unit
