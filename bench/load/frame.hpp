// SPDX-License-Identifier: Apache-2.0
// As much of RFC 6455 as a load generator needs: masked frames out, heads of server frames in.
// Knows nothing of fragments: a fragmented message is reported as a failure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hiky::load {

namespace opcode {
inline constexpr std::uint8_t text = 1, close = 8, ping = 9, pong = 10;
}

// Appends one client frame: FIN set, masked with a key that differs from frame to frame.
void append_client_frame(std::string& out, std::uint8_t code, std::string_view payload);

// Appends one server frame: FIN set, not masked. Only the floor needs it.
void append_server_frame(std::string& out, std::uint8_t code, std::string_view payload);

struct frame_head {
  std::uint8_t code;
  bool final;
  bool compressed;
  std::size_t head_bytes;
  std::size_t payload_bytes;
  std::size_t bytes() const { return head_bytes + payload_bytes; }
};

// The head at the start of `bytes`; none while it is not complete.
std::optional<frame_head> read_server_head(std::string_view bytes);

}  // namespace hiky::load
