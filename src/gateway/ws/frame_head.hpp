// SPDX-License-Identifier: Apache-2.0
// The head of a frame: all before the payload. Part of the decoder; keeps no state and sees no payload.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/ws/frame_fault.hpp"

namespace hiky::gateway {

// Which end of a connection reads: a server gets masked frames, a client unmasked ones.
enum class frame_role : std::uint8_t { server, client };

struct decoder_limits {
  std::size_t max_message = 64 * 1024;  // bytes of payload, all fragments together
  std::size_t max_fragments = 1024;     // frames of one message; 0 = no limit
};

struct frame_head {
  frame_fault const* wrong = nullptr;
  std::uint64_t length = 0;  // of the payload
  std::uint32_t key = 0;     // as it stands in memory
  std::uint8_t size = 0;     // of the head itself; 0 = more bytes are needed to tell
  opcode op = opcode::continuation;
  bool last = false;
  bool compressed = false;
};

// The frames of an unfinished message, together.
struct message_so_far {
  std::size_t frames = 0;  // 0 = none is open
  std::size_t bytes = 0;
};

// Judges each byte as soon as it is there and in the order of the wire, so that the verdict does not depend on how the
// stream was cut. The limits are judged here, before any payload is kept. 14 bytes are always enough.
// `deflate`: permessage-deflate was negotiated. Of a frame that is too big, `size` is told too, if its key is there.
frame_head read_head(std::string_view bytes, frame_role side, decoder_limits const& limits, message_so_far open,
                     bool deflate = false);

}  // namespace hiky::gateway
