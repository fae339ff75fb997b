// SPDX-License-Identifier: Apache-2.0
// Where a client is: an IP address as a plain value, and ranges of them. Knows no sockets.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr_storage;

namespace hiky::gateway {

// IPv4 in IPv6 (::ffff:a.b.c.d) is IPv4 here, however it came.
class peer_address {
 public:
  peer_address() = default;  // none: a Unix socket
  explicit peer_address(sockaddr_storage const& from);
  static peer_address v4(std::array<std::uint8_t, 4> const& bytes);
  static peer_address v6(std::array<std::uint8_t, 16> const& bytes);
  // `1.2.3.4`, `::1`, `[::1]`, each also with `:PORT` where that can be told apart. Nothing when it is none of these.
  static std::optional<peer_address> parse(std::string_view text);

  bool none() const { return bits_ == 0; }
  bool is_loopback() const;
  // Empty for none.
  std::string to_string() const;
  // The part that stands for one customer: all of an IPv4 address, the first 64 bits of an IPv6 address.
  peer_address customer() const;

  auto operator<=>(peer_address const&) const = default;

 private:
  friend class address_range;
  friend struct peer_address_hash;
  std::array<std::uint8_t, 16> bytes_{};
  std::uint8_t bits_ = 0;  // 0, 32 or 128
};

struct peer_address_hash {
  std::size_t operator()(peer_address const& a) const {
    return std::hash<std::string_view>{}({reinterpret_cast<char const*>(a.bytes_.data()), a.bytes_.size()}) + a.bits_;
  }
};

class address_range {
 public:
  // `10.0.0.0/8`, `fd00::/8`, or one address. Nothing when it is none of these, or names bits behind its length.
  static std::optional<address_range> parse(std::string_view text);
  bool contains(peer_address const& a) const;

 private:
  peer_address base_;
  std::uint8_t length_ = 0;
};

}  // namespace hiky::gateway
