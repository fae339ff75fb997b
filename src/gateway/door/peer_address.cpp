// SPDX-License-Identifier: Apache-2.0
#include "gateway/door/peer_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace hiky::gateway {

namespace {

constexpr std::array<std::uint8_t, 12> v4_in_v6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<peer_address> parse_plain(std::string_view text) {
  std::string const z{text};
  std::array<std::uint8_t, 4> four{};
  if (inet_pton(AF_INET, z.c_str(), four.data()) == 1) return peer_address::v4(four);
  std::array<std::uint8_t, 16> sixteen{};
  if (inet_pton(AF_INET6, z.c_str(), sixteen.data()) == 1) return peer_address::v6(sixteen);
  return std::nullopt;
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

peer_address::peer_address(sockaddr_storage const& from) {
  if (from.ss_family == AF_INET) {
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &reinterpret_cast<sockaddr_in const&>(from).sin_addr, bytes.size());
    *this = v4(bytes);
  } else if (from.ss_family == AF_INET6) {
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &reinterpret_cast<sockaddr_in6 const&>(from).sin6_addr, bytes.size());
    *this = v6(bytes);
  }
}

peer_address peer_address::v4(std::array<std::uint8_t, 4> const& bytes) {
  peer_address out;
  std::ranges::copy(bytes, out.bytes_.begin());
  out.bits_ = 32;
  return out;
}

peer_address peer_address::v6(std::array<std::uint8_t, 16> const& bytes) {
  if (std::equal(v4_in_v6.begin(), v4_in_v6.end(), bytes.begin()))
    return v4({bytes[12], bytes[13], bytes[14], bytes[15]});
  peer_address out;
  out.bytes_ = bytes;
  out.bits_ = 128;
  return out;
}

std::optional<peer_address> peer_address::parse(std::string_view text) {
  if (text.starts_with('[')) {
    auto const end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    auto const behind = text.substr(end + 1);
    if (!behind.empty() && !(behind.starts_with(':') && is_port(behind.substr(1)))) return std::nullopt;
    auto const inside = parse_plain(text.substr(1, end - 1));
    return inside && text.substr(1, end - 1).contains(':') ? inside : std::nullopt;
  }
  // One colon parts an IPv4 address from its port; more are an IPv6 address, which has no port without brackets.
  if (std::ranges::count(text, ':') == 1) {
    auto const colon = text.find(':');
    if (!is_port(text.substr(colon + 1))) return std::nullopt;
    text = text.substr(0, colon);
  }
  return parse_plain(text);
}

bool peer_address::is_loopback() const {
  if (bits_ == 32) return bytes_[0] == 127;
  return bits_ == 128 && bytes_[15] == 1 &&
         std::all_of(bytes_.begin(), bytes_.begin() + 15, [](auto b) { return b == 0; });
}

std::string peer_address::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (none() || !inet_ntop(bits_ == 32 ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size())) return {};
  return text.data();
}

peer_address peer_address::customer() const {
  auto out = *this;
  if (bits_ == 128) std::fill(out.bytes_.begin() + 8, out.bytes_.end(), std::uint8_t{0});
  return out;
}

std::optional<address_range> address_range::parse(std::string_view text) {
  address_range out;
  auto const slash = text.find('/');
  auto const base = parse_plain(text.substr(0, slash));
  if (!base) return std::nullopt;
  out.base_ = *base;
  out.length_ = base->bits_;
  if (slash == std::string_view::npos) return out;
  auto const digits = text.substr(slash + 1);
  auto const [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), out.length_);
  if (fault != std::errc{} || end != digits.data() + digits.size() || out.length_ > base->bits_) return std::nullopt;
  // 10.1.2.3/8 is more likely a slip than meant.
  for (unsigned bit = out.length_; bit < base->bits_; ++bit) {
    if ((base->bytes_[bit / 8] >> (7 - bit % 8) & 1) != 0) return std::nullopt;
  }
  return out;
}

bool address_range::contains(peer_address const& a) const {
  if (a.none() || a.bits_ != base_.bits_) return false;
  for (unsigned bit = 0; bit < length_; bit += 8) {
    auto const mask = static_cast<std::uint8_t>(length_ - bit >= 8 ? 0xff : 0xff << (8 - (length_ - bit)));
    if (((a.bytes_[bit / 8] ^ base_.bytes_[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

}  // namespace hiky::gateway
