// SPDX-License-Identifier: Apache-2.0
// Messages for a sequencer, which nothing looks into: a number stands for each.
#pragma once
#include <cstdint>
#include <memory>

#include "chat/delivery/sequencer.hpp"

namespace unit {

using namespace hiky;
using namespace hiky::chat;

// A payload is a number that nobody looks behind.
inline sequencer::payload payload_of(std::size_t id) {
  return {std::shared_ptr<void>{}, reinterpret_cast<bus_message const*>(id)};  // NOLINT(performance-no-int-to-ptr)
}
inline std::size_t id_of(sequencer::payload const& p) { return reinterpret_cast<std::size_t>(p.get()); }

inline sequencer::message message(std::uint64_t seq, std::size_t id = 0) {
  return {seq, (id ? id : seq) * 2 + 1, payload_of(id ? id : seq)};
}

}  // namespace unit
