// SPDX-License-Identifier: Apache-2.0
#include "frame.hpp"

#include <array>

namespace hiky::load {
namespace {

void append_head(std::string& out, std::uint8_t code, std::size_t size, std::uint8_t mask_bit) {
  out += static_cast<char>(0x80 | code);
  if (size < 126) {
    out += static_cast<char>(mask_bit | size);
    return;
  }
  int const width = size <= 0xFFFF ? 2 : 8;
  out += static_cast<char>(mask_bit | (width == 2 ? 126 : 127));
  for (int i = width - 1; i >= 0; --i) out += static_cast<char>(size >> (8 * i));
}

}  // namespace

void append_client_frame(std::string& out, std::uint8_t code, std::string_view payload) {
  static std::uint32_t seed = 0x9E3779B9;
  seed = seed * 1664525 + 1013904223;
  std::array<char, 4> const key{static_cast<char>(seed >> 24), static_cast<char>(seed >> 16),
                                static_cast<char>(seed >> 8), static_cast<char>(seed)};
  append_head(out, code, payload.size(), 0x80);
  out.append(key.data(), key.size());
  std::size_t const start = out.size();
  out += payload;
  for (std::size_t i = 0; i < payload.size(); ++i) out[start + i] ^= key[i & 3];
}

void append_server_frame(std::string& out, std::uint8_t code, std::string_view payload) {
  append_head(out, code, payload.size(), 0);
  out += payload;
}

std::optional<frame_head> read_server_head(std::string_view bytes) {
  auto const at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  if (bytes.size() < 2) return std::nullopt;
  frame_head head{static_cast<std::uint8_t>(at(0) & 0x0F), (at(0) & 0x80) != 0, (at(0) & 0x40) != 0, 2, at(1) & 0x7FU};
  std::size_t const width = head.payload_bytes < 126 ? 0 : head.payload_bytes == 126 ? 2 : 8;
  if (width == 0) return head;
  head.head_bytes += width;
  if (bytes.size() < head.head_bytes) return std::nullopt;
  head.payload_bytes = 0;
  for (std::size_t i = 0; i < width; ++i) head.payload_bytes = head.payload_bytes << 8 | at(2 + i);
  return head;
}

}  // namespace hiky::load
