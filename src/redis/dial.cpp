// SPDX-License-Identifier: Apache-2.0
#include "redis/dial.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>

#include "base/tls_tunnel.hpp"

namespace hiky::redis {

using boost::system::error_code;

namespace {

task<error_code> open(socket& into, asio::generic::stream_protocol::endpoint to, std::chrono::milliseconds patience) {
  error_code ec;
  into = socket{into.get_executor()};
  co_await into.async_connect(to, asio::cancel_after(patience, asio::redirect_error(use_task, ec)));
  if (!ec) into.non_blocking(true, ec);
  co_return ec;
}

// So that the kernel notices a peer that is gone without a word, and a NAT remembers the connection.
void keep_alive(int fd) {
  constexpr int on = 1, idle_s = 30, interval_s = 10, probes = 3;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

task<error_code> open(socket& into, address::host_port const& to, std::chrono::milliseconds patience) {
  error_code ec;
  asio::ip::tcp::resolver resolver{into.get_executor()};
  auto const found = co_await resolver.async_resolve(to.host, to.port,
                                                     asio::cancel_after(patience, asio::redirect_error(use_task, ec)));
  if (ec) co_return ec;
  for (auto const& entry : found) {
    ec = co_await open(into, entry.endpoint(), patience);
    if (!ec) break;
  }
  if (!ec) into.set_option(asio::ip::tcp::no_delay{true}, ec);
  if (!ec) keep_alive(into.native_handle());
  co_return ec;
}

std::unexpected<error> refused(std::string why) { return fail(errc::not_connected, std::move(why)); }

}  // namespace

task<result<void>> dial(socket& into, address::host_port to, tls::context secure, std::chrono::milliseconds patience) {
  if (auto const ec = co_await open(into, to, patience)) co_return refused(ec.message());
  if (!secure) co_return result<void>{};
  auto const plain = co_await tls::connect(into.release(), std::move(secure), to.host, patience);
  if (!plain) co_return refused("TLS: " + plain.error().text);
  into = socket{into.get_executor(), asio::generic::stream_protocol{AF_UNIX, 0}, *plain};
  error_code ec;
  into.non_blocking(true, ec);
  co_return result<void>{};
}

task<result<void>> dial(socket& into, std::string unix_path, std::chrono::milliseconds patience) {
  if (unix_path.size() > 107) {
    co_return fail(errc::invalid_argument,
                   fmt::format("the socket path '{}' is longer than the 107 bytes Linux allows", unix_path));
  }
  if (auto const ec = co_await open(into, asio::local::stream_protocol::endpoint{unix_path}, patience))
    co_return refused(ec.message());
  co_return result<void>{};
}

}  // namespace hiky::redis
