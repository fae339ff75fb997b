// SPDX-License-Identifier: Apache-2.0
// The head of a frame (all before the payload), and everything that can be wrong with a frame. Part of the decoder;
// keeps no state and sees no payload.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/ws/frame.hpp"

namespace hiky::gateway {

struct frame_fault {
  consteval frame_fault(close_code with, std::string_view why) : code(with), text(why) {
    if (why.size() > 123) throw "does not fit into a close frame";
  }
  close_code code;
  std::string_view text;
};

namespace faults {
using enum close_code;
inline constexpr frame_fault reserved_bits{protocol_error,
                                           "reserved bits set in a frame; no extension that uses them was negotiated"};
inline constexpr frame_fault stray_rsv1{
    protocol_error, "compressed frame, but neither text nor binary; only the first frame of a message says so"};
inline constexpr frame_fault unknown_opcode{protocol_error, "unknown opcode; expected 0, 1, 2, 8, 9 or 10"};
inline constexpr frame_fault split_control{protocol_error, "fragmented control frame; it must be whole"};
inline constexpr frame_fault long_control{protocol_error, "control frame too long; at most 125 bytes"};
inline constexpr frame_fault stray{protocol_error, "continuation frame, but no message has begun"};
inline constexpr frame_fault nested{protocol_error,
                                    "new message inside a fragmented one; expected a continuation frame"};
inline constexpr frame_fault unmasked{protocol_error, "unmasked frame; a client must mask every frame"};
inline constexpr frame_fault masked{protocol_error, "masked frame; a server must not mask"};
inline constexpr frame_fault top_bit{protocol_error, "frame length with the top bit set; at most 63 bits"};
inline constexpr frame_fault long_form{protocol_error, "frame length not in its shortest form"};
inline constexpr frame_fault message_size{too_big, "message too big; send smaller ones"};
// Not too_big: the same message would be welcome in larger fragments.
inline constexpr frame_fault fragment_count{policy, "message in too many fragments; send fewer, larger ones"};
inline constexpr frame_fault block_count{policy, "compressed message of far too many blocks; send fewer, larger ones"};
inline constexpr frame_fault half_code{protocol_error, "close frame of one byte; expected none, or a code of two"};
inline constexpr frame_fault unknown_code{protocol_error, "close code that may not be sent"};
inline constexpr frame_fault not_utf8{invalid_payload, "text is not valid UTF-8"};
inline constexpr frame_fault not_deflate{invalid_payload, "compressed message that can't be inflated"};
}  // namespace faults

struct frame_head {
  frame_fault const* wrong = nullptr;
  std::uint64_t length = 0;  // of the payload
  std::uint32_t key = 0;     // as it stands in memory
  std::uint8_t size = 0;     // of the head itself; 0 = more bytes are needed to tell
  opcode op = opcode::continuation;
  bool last = false;
  bool compressed = false;
};

inline bool is_control(opcode op) { return (static_cast<unsigned>(op) & 8) != 0; }

// What the frames of an unfinished message come to.
struct message_so_far {
  std::size_t frames = 0;  // 0 = none is open
  std::size_t bytes = 0;
};

// Judges each byte as soon as it is there and in the order of the wire, so that the verdict does not depend on how the
// stream was cut. The limits are judged here, before any payload is kept. 14 bytes are always enough.
// `deflate`: permessage-deflate was negotiated. Of a frame that is too big, `size` is told too, if its key is there.
frame_head read_head(std::string_view bytes, decoder::role side, decoder_limits const& limits, message_so_far open,
                     bool deflate = false);

}  // namespace hiky::gateway
