// SPDX-License-Identifier: Apache-2.0
#include "gateway/ws/frame_head.hpp"

#include <bit>
#include <cstring>

namespace hiky::gateway {
namespace {

template <class Integer>
Integer big_endian(char const* from) {
  Integer value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? std::byteswap(value) : value;
}

frame_fault const* first_byte_fault(frame_head const& frame, unsigned byte, bool open, bool deflate) {
  if (byte & (deflate ? 0x30 : 0x70)) return &faults::reserved_bits;
  auto const nibble = byte & 0x0f;
  if (nibble > 10 || (nibble > 2 && nibble < 8)) return &faults::unknown_opcode;
  if (frame.compressed && (is_control(frame.op) || frame.op == opcode::continuation)) return &faults::stray_rsv1;
  if (is_control(frame.op)) return frame.last ? nullptr : &faults::split_control;
  if (frame.op == opcode::continuation) return open ? nullptr : &faults::stray;
  return open ? &faults::nested : nullptr;
}

frame_fault const* limit_fault(frame_head const& frame, decoder_limits const& limits, message_so_far open) {
  if (open.bytes > limits.max_message || frame.length > limits.max_message - open.bytes) return &faults::message_size;
  if (limits.max_fragments != 0 && open.frames >= limits.max_fragments) return &faults::fragment_count;
  return nullptr;
}

}  // namespace

frame_head read_head(std::string_view bytes, frame_role side, decoder_limits const& limits, message_so_far open,
                     bool deflate) {
  frame_head frame;
  if (bytes.empty()) return frame;
  auto const first = static_cast<unsigned char>(bytes[0]);
  frame.op = opcode{static_cast<std::uint8_t>(first & 0x0f)};
  frame.last = (first & 0x80) != 0;
  frame.compressed = (first & 0x40) != 0;
  frame.wrong = first_byte_fault(frame, first, open.frames > 0, deflate);
  if (frame.wrong || bytes.size() < 2) return frame;

  auto const second = static_cast<unsigned char>(bytes[1]);
  auto const masked = (second & 0x80) != 0;
  frame.length = second & 0x7f;
  if (masked != (side == frame_role::server)) {
    frame.wrong = masked ? &faults::masked : &faults::unmasked;
    return frame;
  }
  std::uint8_t size = 2;
  if (is_control(frame.op)) {
    if (frame.length > 125) {
      frame.wrong = &faults::long_control;
      return frame;
    }
  } else {
    if (frame.length == 126) {
      size += 2;
      if (bytes.size() < size) return frame;
      frame.length = big_endian<std::uint16_t>(&bytes[2]);
      if (frame.length < 126) frame.wrong = &faults::long_form;
    } else if (frame.length == 127) {
      size += 8;
      if (bytes.size() < size) return frame;
      frame.length = big_endian<std::uint64_t>(&bytes[2]);
      if (frame.length <= 0xffff) frame.wrong = &faults::long_form;
      if (frame.length >> 63) frame.wrong = &faults::top_bit;
    }
    if (!frame.wrong) frame.wrong = limit_fault(frame, limits, open);
    if (frame.wrong && frame.wrong != &faults::message_size) return frame;
  }

  if (masked) {
    if (bytes.size() < size + sizeof frame.key) return frame;
    std::memcpy(&frame.key, &bytes[size], sizeof frame.key);
    size += sizeof frame.key;
  }
  frame.size = size;
  return frame;
}

}  // namespace hiky::gateway
