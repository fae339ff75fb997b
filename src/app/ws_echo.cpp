// SPDX-License-Identifier: Apache-2.0
// An echo server on the gateway's codec and connection, for conformance suites: text stays text, binary stays binary.
// No Redis.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <csignal>
#include <iostream>

#include "gateway/http/read_request.hpp"
#include "gateway/http/write_response.hpp"
#include "gateway/net/connection.hpp"
#include "gateway/net/listener.hpp"
#include "gateway/ws/handshake.hpp"

namespace {

using namespace hiky;
using namespace hiky::gateway;
using namespace std::chrono_literals;

class echo final : public endpoint {
 public:
  explicit echo(connection_ptr link) : link_(std::move(link)) {}
  void received(opcode op, std::string_view payload) override {
    auto frame = shared_frame::make(payload, static_cast<std::uint8_t>(0x80 | static_cast<int>(op)));
    if (!link_->queue(std::move(frame))) link_->close_later(close_code::policy, "the echo's reader is too slow");
  }
  void ended(bool) override { delete this; }

 private:
  connection_ptr link_;
};

task<> serve(connection_loop& loop, stream_socket socket, bool compress) {
  std::string buffer;
  auto const received = co_await read_request(socket, buffer, 10s, [](auto const&) { return false; });
  if (!received) {
    auto const& [why, head, fault] = received.error();
    if (fault) co_await refuse_unread(socket, received.error(), refused_handshake(head, *fault));
    co_return;
  }
  auto const accepted = accept_handshake(received->request, compress);
  if (!accepted) {
    co_await write_response(socket, received->request, refused_handshake(received->request, accepted.error()));
    co_await gateway::linger(socket);
    co_return;
  }
  boost::system::error_code ec;
  co_await asio::async_write(socket, asio::buffer(accepted->text), asio::redirect_error(use_task, ec));
  if (ec) co_return;
  connection_ptr const link{new connection{loop, std::move(socket), accepted->window_bits}};
  link->start(*new echo{link}, wait_for::next_ping, received->behind);
}

task<> tick(connection_loop& loop) {
  asio::steady_timer timer{loop.io};
  for (;;) {
    timer.expires_after(250ms);
    co_await timer.async_wait(use_task);
    loop.tick();
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string listen{"127.0.0.1:9001"}, send{"auto"};
  decoder_limits limits{16 << 20, 100'000};
  std::size_t compress_from = 1;
  CLI::App app{"ws_echo: sends every WebSocket message back"};
  app.add_option("--listen", listen, "HOST:PORT")->capture_default_str();
  app.add_option("--max-message", limits.max_message, "bytes")->capture_default_str();
  app.add_option("--max-fragments", limits.max_fragments, "fragments of one message; 0 = no limit")
      ->capture_default_str();
  app.add_option("--compress-from", compress_from,
                 "bytes of a message that is compressed for clients that offer it; 0 = for none")
      ->capture_default_str();
  app.add_option("--batch-send", send, "auto, io_uring or send")
      ->check(CLI::IsMember({"auto", "io_uring", "send"}))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  ::signal(SIGPIPE, SIG_IGN);

  auto where = parse_listen_address(listen);
  if (!where) {
    std::cerr << "ws_echo: --listen: " << where.error().text << '\n';
    return 2;
  }
  auto const fd = listener::open(*where);
  if (!fd) {
    std::cerr << "ws_echo: " << fd.error().text << '\n';
    return 1;
  }
  auto const method = send != "send" && io_uring_allowed() ? send_method::io_uring : send_method::send;
  asio::io_context io{1};
  chat::counters count;
  connection_loop loop{io, method, limits, {}, 4 * limits.max_message + (1 << 20), compress_from, count};
  loop.sender.open();
  listener door{io, *fd, [&](stream_socket socket, peer_address) {
                  asio::co_spawn(io, serve(loop, std::move(socket), compress_from != 0), [](std::exception_ptr bug) {
                    if (bug) std::rethrow_exception(bug);
                  });
                }};
  door.start();
  asio::co_spawn(io, tick(loop), [](std::exception_ptr) {});
  asio::signal_set signals{io, SIGINT, SIGTERM};
  signals.async_wait([&](auto, int) { io.stop(); });
  fmt::print("ws_echo ready on ws://{} (send: {})\n", where->to_string(), to_string(loop.sender.method()));
  std::fflush(stdout);
  io.run();
}
