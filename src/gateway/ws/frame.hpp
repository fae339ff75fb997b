// SPDX-License-Identifier: Apache-2.0
// The frames of RFC 6455: their numbers, and how they are written. Reading them is the decoder's part.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/shared_frame.hpp"

namespace hiky::gateway {

enum class opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };
inline bool is_control(opcode op) { return (static_cast<unsigned>(op) & 8) != 0; }

enum class close_code : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported = 1003,
  no_status = 1005,  // never sent: says that the peer's close frame was empty
  invalid_payload = 1007,
  policy = 1008,
  too_big = 1009,
  internal = 1011,
  flooding = 4429,
  slow_consumer = 4430,
};

// The rule that the peer has broken, where it is that.
inline constexpr std::array violations{close_code::protocol_error, close_code::unsupported, close_code::invalid_payload,
                                       close_code::policy, close_code::too_big};

// Whether a peer may send `code` in a close frame: those that RFC 6455 7.4 and the IANA registry define for the wire
// (up to 1014), and 3000 to 4999.
bool valid_on_the_wire(std::uint16_t code) noexcept;

// The most bytes that write_header needs; a masked header takes four more.
inline constexpr std::size_t max_header = 10, max_masked_header = max_header + 4;

// Writes the header of an unmasked frame, as a server sends it; returns its size.
// `last` is false for all fragments of a message but the last one.
std::size_t write_header(char* out, opcode op, std::uint64_t payload_size, bool last = true) noexcept;

// Appends a masked frame, as a client sends it. `key` is to be unpredictable where proxies could be fooled
// (RFC 6455 10.3); the caller has the randomness.
void encode_masked(std::string& out, opcode op, std::string_view payload, std::uint32_t key, bool last = true);

// A control frame, as a server sends it.
frame_ptr control_frame(opcode op, std::string_view payload);
// The payload of a close frame; `reason`, valid UTF-8, is cut to the 123 bytes that fit. Empty for no_status.
std::string close_payload(close_code code, std::string_view reason = {});

}  // namespace hiky::gateway
