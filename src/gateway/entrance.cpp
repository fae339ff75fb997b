// SPDX-License-Identifier: Apache-2.0
#include "gateway/entrance.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>

#include "base/tls_tunnel.hpp"
#include "gateway/door/proxy_protocol.hpp"
#include "gateway/door/turn_away.hpp"
#include "gateway/http.hpp"
#include "gateway/worker.hpp"

namespace hiky::gateway {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t most_turned_away = 64;  // at a time; the rest of a flood is dropped without a word

bool from_unix(stream_socket& socket) {
  int family = AF_UNSPEC;
  socklen_t size = sizeof family;
  return ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family == AF_UNIX;
}

}  // namespace

void entrance::adopt(stream_socket socket, peer_address from, door by) {
  on_.count().accepted.add();
  auto seat = on_.admission().enter(from);
  if (seat) return on_.spawn(greet(std::move(socket), std::move(*seat), by));
  if (turning_away_ >= most_turned_away || on_.settings().tls) return;
  ++turning_away_;
  on_.spawn(refuse(std::move(socket), seat.error()));
}

task<> entrance::refuse(stream_socket socket, no_entry why) {
  co_await turn_away(std::move(socket), why);
  --turning_away_;
}

// All that comes before HTTP, and the first request, within one deadline.
task<> entrance::greet(stream_socket socket, admission::seat seat, door by) {
  auto const& settings = on_.settings();
  auto const until = std::chrono::steady_clock::now() + settings.handshake_deadline;
  auto const left = [until] {
    return std::max(1ms,
                    std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()));
  };
  bool const by_tcp = !from_unix(socket);
  if (settings.proxy_protocol && by_tcp && by != door::operators) {
    if (!on_.admission().is_trusted(seat.address())) {
      refuse_proxy("proxy.untrusted",
                   {{"address", seat.address().to_string()}, {"expected", "a connection from a --trusted-proxy"}});
      co_return;
    }
    auto const client = co_await read_proxy_header(socket, left());
    if (!client) {
      refuse_proxy("proxy.refused", {{"address", seat.address().to_string()}, {"reason", client.error()}});
      co_return;
    }
    if (!client->none() && !on_.admission().speaks_for(seat, *client)) co_return;
  }
  if (settings.tls && by_tcp) {
    auto const plain = co_await tls::accept(socket.release(), settings.tls->current(), left());
    if (!plain) {
      on_.count().tls_failed.add();
      log::debug("tls.failed", {{"address", seat.address().to_string()}, {"reason", plain.error().text}});
      co_return;
    }
    socket = stream_socket{on_.io(), asio::generic::stream_protocol{AF_UNIX, 0}, *plain};
  }
  co_await serve_http(on_, std::move(socket), std::move(seat), left(), by);
}

void entrance::refuse_proxy(std::string_view what, std::initializer_list<log::field> fields) {
  on_.count().proxy_refused.add();
  log::warn(what, fields);
}

}  // namespace hiky::gateway
