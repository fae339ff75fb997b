// SPDX-License-Identifier: Apache-2.0
// The connection against a server on TCP that a test scripts.
#include "redis/client.hpp"

#include <gtest/gtest.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <string_view>
#include <thread>

namespace {

using namespace hiky;
using namespace std::chrono_literals;
using asio::ip::tcp;
using boost::system::error_code;

// Lets every client in, as a master does, and answers nothing else. On a thread of its own.
class polite_server {
 public:
  polite_server() {
    asio::co_spawn(io_, accept(), asio::detached);
    thread_ = std::thread{[this] { io_.run(); }};
  }
  ~polite_server() {
    io_.stop();
    thread_.join();
  }

  redis::address address() const {
    redis::address out;
    out.host = "localhost";  // a name, so that it is looked up
    out.port = std::to_string(port_);
    return out;
  }
  int clients() const { return clients_; }

 private:
  task<> accept() {
    for (;;) {
      auto client = co_await listening_.async_accept(use_task);
      asio::co_spawn(io_, serve(std::move(client)), asio::detached);
    }
  }
  task<> serve(tcp::socket client) {
    constexpr std::string_view let_in = "%1\r\n$4\r\nrole\r\n$6\r\nmaster\r\n+PONG\r\n$0\r\n\r\n";  // HELLO, PING, INFO
    ++clients_;
    char bytes[4096];
    error_code ec;
    for (bool first = true; !ec; first = false) {
      co_await client.async_read_some(asio::buffer(bytes), asio::redirect_error(use_task, ec));
      if (first && !ec) co_await asio::async_write(client, asio::buffer(let_in), asio::redirect_error(use_task, ec));
    }
  }

  asio::io_context io_;
  tcp::acceptor listening_{io_, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
  int const port_ = listening_.local_endpoint().port();
  std::atomic<int> clients_{0};
  std::thread thread_;
};

}  // namespace

TEST(redis_connection, lets_its_io_context_end_when_it_is_stopped_while_the_host_name_is_looked_up) {
  polite_server const server;
  asio::io_context io;
  redis::client client{io.get_executor(), server.address()};
  client.start();
  ASSERT_EQ(io.run_one(), 1);  // the look-up is on its way, on the resolver's thread
  client.stop();
  io.run_for(3s);
  EXPECT_TRUE(io.stopped()) << "still at work, with " << server.clients() << " connections made";
  EXPECT_FALSE(client.connected());
}

TEST(redis_connection, lets_its_io_context_end_when_it_is_stopped_twice_meanwhile) {
  polite_server const server;
  asio::io_context io;
  {
    redis::client client{io.get_executor(), server.address()};
    client.start();
    ASSERT_EQ(io.run_one(), 1);
    client.stop();
  }  // the destructor stops it once more
  io.run_for(3s);
  EXPECT_TRUE(io.stopped());
}

TEST(redis_connection, lets_its_io_context_end_when_it_is_stopped_after_the_login) {
  polite_server const server;
  asio::io_context io;
  redis::client client{io.get_executor(), server.address()};
  client.start();
  auto const until = std::chrono::steady_clock::now() + 5s;
  while (!client.connected() && io.run_one_until(until) > 0) {}
  ASSERT_TRUE(client.connected());
  client.stop();
  io.run_for(3s);
  EXPECT_TRUE(io.stopped());
  EXPECT_EQ(server.clients(), 1);
}
