// SPDX-License-Identifier: Apache-2.0
#include "gateway/ws/frame.hpp"

#include <array>
#include <cstring>
#include <utility>

#include "base/utf8.hpp"
#include "gateway/ws/mask.hpp"

namespace hiky::gateway {
namespace {

constexpr std::size_t max_close_reason = 123;

char* put_big_endian(char* to, std::uint64_t value, int bytes) {
  while (bytes > 0) *to++ = static_cast<char>(value >> 8 * --bytes);
  return to;
}

}  // namespace

bool valid_on_the_wire(std::uint16_t code) noexcept {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

std::size_t write_header(char* out, opcode op, std::uint64_t payload_size, bool last) noexcept {
  auto const begin = out;
  *out++ = static_cast<char>(std::to_underlying(op) | (last ? 0x80 : 0));
  if (payload_size < 126) {
    *out++ = static_cast<char>(payload_size);
  } else if (payload_size <= 0xffff) {
    *out++ = 126;
    out = put_big_endian(out, payload_size, 2);
  } else {
    *out++ = 127;
    out = put_big_endian(out, payload_size, 8);
  }
  return static_cast<std::size_t>(out - begin);
}

void encode_masked(std::string& out, opcode op, std::string_view payload, std::uint32_t key, bool last) {
  std::array<char, max_masked_header> header;
  auto const size = write_header(header.data(), op, payload.size(), last);
  header[1] |= static_cast<char>(0x80);
  std::memcpy(&header[size], &key, sizeof key);
  auto const begin = out.size() + size + sizeof key;
  out.append(header.data(), size + sizeof key).append(payload);
  mask(out.data() + begin, out.data() + begin, payload.size(), key);
}

frame_ptr control_frame(opcode op, std::string_view payload) {
  return shared_frame::make(payload, static_cast<std::uint8_t>(0x80 | std::to_underlying(op)));
}

std::string close_payload(close_code code, std::string_view reason) {
  std::string payload;
  if (code == close_code::no_status) return payload;
  payload.resize(2);
  put_big_endian(payload.data(), std::to_underlying(code), 2);
  return payload.append(utf8::cut(reason, max_close_reason));
}

}  // namespace hiky::gateway
