// SPDX-License-Identifier: Apache-2.0
// PROXY protocol version 2, as HAProxy's specification has it: what a proxy says in front of a connection about who is
// behind it.
#pragma once
#include <chrono>
#include <expected>
#include <span>
#include <string_view>

#include "base/async.hpp"
#include "base/stream_socket.hpp"
#include "gateway/door/peer_address.hpp"

namespace hiky::gateway {

inline constexpr std::size_t proxy_head_size = 16;
inline constexpr std::size_t longest_proxy_rest =
    2048;  // addresses and TLVs; the specification lets a receiver have a limit

// How many bytes follow the first 16, or what is wrong with them.
std::expected<std::size_t, std::string_view> proxy_rest_size(std::span<unsigned char const, proxy_head_size> head);
// The client that the whole header names: none() when it is about the proxy itself (LOCAL) or about no IP address.
std::expected<peer_address, std::string_view> parse_proxy_header(std::span<unsigned char const> header);

// Reads the header, and not a byte more.
task<std::expected<peer_address, std::string_view>> read_proxy_header(stream_socket& socket,
                                                                      std::chrono::milliseconds patience);

}  // namespace hiky::gateway
