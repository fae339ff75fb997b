// SPDX-License-Identifier: Apache-2.0
#include "gateway/door/proxy_protocol.hpp"

#include <boost/asio/cancel_after.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace hiky::gateway {

namespace {

constexpr std::array<unsigned char, 12> signature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                  0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr unsigned local = 0, proxied = 1;
constexpr unsigned inet = 1, inet6 = 2;  // the family, in the upper half of its byte

}  // namespace

std::expected<std::size_t, std::string_view> proxy_rest_size(std::span<unsigned char const, proxy_head_size> head) {
  if (!std::equal(signature.begin(), signature.end(), head.begin())) return std::unexpected("no PROXY header");
  if (head[12] >> 4 != 2) return std::unexpected("not version 2 of the PROXY protocol");
  if ((head[12] & 15) > proxied) return std::unexpected("an unknown command in the PROXY header");
  auto const size = static_cast<std::size_t>(head[14]) << 8 | head[15];
  if (size > longest_proxy_rest) return std::unexpected("the PROXY header is too long");
  return size;
}

std::expected<peer_address, std::string_view> parse_proxy_header(std::span<unsigned char const> header) {
  if (header.size() < proxy_head_size) return std::unexpected("the PROXY header is cut off");
  auto const rest_size = proxy_rest_size(header.first<proxy_head_size>());
  if (!rest_size) return std::unexpected(rest_size.error());
  auto const rest = header.subspan(proxy_head_size);
  if (rest.size() < *rest_size) return std::unexpected("the PROXY header is cut off");
  if ((header[12] & 15) == local) return peer_address{};
  // Source address, destination address, two ports.
  auto const family = header[13] >> 4;
  if (family == inet) {
    if (*rest_size < 12) return std::unexpected("the PROXY header has no room for its addresses");
    std::array<std::uint8_t, 4> bytes{};
    std::copy_n(rest.begin(), bytes.size(), bytes.begin());
    return peer_address::v4(bytes);
  }
  if (family == inet6) {
    if (*rest_size < 36) return std::unexpected("the PROXY header has no room for its addresses");
    std::array<std::uint8_t, 16> bytes{};
    std::copy_n(rest.begin(), bytes.size(), bytes.begin());
    return peer_address::v6(bytes);
  }
  return peer_address{};
}

task<std::expected<peer_address, std::string_view>> read_proxy_header(stream_socket& socket,
                                                                      std::chrono::milliseconds patience) {
  auto const until = std::chrono::steady_clock::now() + patience;
  std::vector<unsigned char> header(proxy_head_size);
  boost::system::error_code ec;
  co_await asio::async_read(socket, asio::buffer(header),
                            asio::cancel_after(patience, asio::redirect_error(use_task, ec)));
  if (ec) co_return std::unexpected("no PROXY header came");
  auto const rest = proxy_rest_size(std::span{header}.first<proxy_head_size>());
  if (!rest) co_return std::unexpected(rest.error());
  header.resize(proxy_head_size + *rest);
  auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  co_await asio::async_read(
      socket, asio::buffer(header.data() + proxy_head_size, *rest),
      asio::cancel_after(std::max(left, std::chrono::milliseconds{1}), asio::redirect_error(use_task, ec)));
  if (ec) co_return std::unexpected("the PROXY header is cut off");
  co_return parse_proxy_header(header);
}

}  // namespace hiky::gateway
