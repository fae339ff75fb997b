// SPDX-License-Identifier: Apache-2.0
// Everything that can be wrong with a frame, and the close code and words that say so.
#pragma once
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

}  // namespace hiky::gateway
