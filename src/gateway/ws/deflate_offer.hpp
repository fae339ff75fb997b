// SPDX-License-Identifier: Apache-2.0
// The negotiation of permessage-deflate (RFC 7692 section 7.1), from the server's side. Pure.
#pragma once
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace hiky::gateway {

struct deflate_terms {
  std::uint8_t window_bits = 15;  // the client can look back 2^window_bits bytes, and no further
  std::string answer;             // for Sec-WebSocket-Extensions
};

// The first offer in the list of a Sec-WebSocket-Extensions header that can be kept, if there is one; the others are
// declined. The error says that the list is malformed, which ends the handshake (RFC 6455 4.2.1). Neither side keeps a
// context between messages, whether or not that was offered: a client must agree to it.
std::expected<std::optional<deflate_terms>, std::string_view> accept_deflate(std::string_view offers);

}  // namespace hiky::gateway
