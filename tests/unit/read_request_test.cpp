// SPDX-License-Identifier: Apache-2.0
#include "gateway/http/read_request.hpp"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

using namespace hiky;
using namespace hiky::gateway;
using namespace std::chrono_literals;

namespace {

using answer = std::expected<received_request, unread_request>;

struct peer {
  asio::io_context io;
  asio::local::stream_protocol::socket client{io}, accepted{io};
  std::optional<stream_socket> server;
  std::string buffer;

  peer() {
    asio::local::connect_pair(client, accepted);
    server.emplace(io, asio::generic::stream_protocol{AF_UNIX, 0}, accepted.release());
  }
  void says(std::string_view text) { asio::write(client, asio::buffer(text)); }
  answer read(bool wants_body = true, std::chrono::milliseconds patience = 5s) {
    std::optional<answer> out;
    auto const reading = [&]() -> task<> {
      out.emplace(co_await read_request(*server, buffer, patience, [=](auto const&) { return wants_body; }));
    };
    asio::co_spawn(io, reading(), [](std::exception_ptr bug) {
      if (bug) std::rethrow_exception(bug);
    });
    io.restart();
    io.run();
    return std::move(*out);
  }
};

}  // namespace

TEST(read_request, gives_a_request_and_what_came_behind_it) {
  peer p;
  p.says("\r\nPOST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbodyGET /b");
  auto const first = p.read();
  ASSERT_TRUE(first);
  EXPECT_EQ(path_of(first->request), "/a");
  EXPECT_EQ(first->request.body(), "body");
  EXPECT_EQ(first->behind, "GET /b");
  EXPECT_FALSE(first->body_unread);
  p.buffer = first->behind;
  p.says("?c HTTP/1.1\r\nHost: h\r\n\r\n");
  auto const second = p.read();
  ASSERT_TRUE(second);
  EXPECT_EQ(path_of(second->request), "/b");
}

TEST(read_request, leaves_a_body_that_nobody_wants) {
  peer p;
  p.says("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo");
  auto const got = p.read(false);
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->body_unread);
  EXPECT_EQ(got->behind, "");
}

TEST(read_request, says_why_there_is_none_and_what_the_peer_is_to_be_told) {
  struct {
    std::string text;
    no_request why;
    std::optional<http_status> told;
  } const cases[] = {
      {"", no_request::silent, std::nullopt},
      {"GET /a HT", no_request::late, http_status::request_timeout},
      {"HEAD /a HTTP/1.1\r\n\r\n", no_request::malformed, http_status::bad_request},
      {"not http\r\n\r\n", no_request::malformed, http_status::bad_request},
      {"GET / HTTP/1.1\r\nHost: h\r\nLong: " + std::string(20'000, 'x') + "\r\n\r\n", no_request::head,
       http_status::request_header_fields_too_large},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n", no_request::body,
       http_status::payload_too_large},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.text.substr(0, 40));
    peer p;
    p.says(c.text);
    auto const got = p.read(true, 50ms);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().why, c.why);
    EXPECT_EQ(got.error().fault ? std::optional{got.error().fault->status} : std::nullopt, c.told);
    if (c.text.starts_with("HEAD")) EXPECT_EQ(got.error().head.method(), boost::beast::http::verb::head);
  }
  peer gone;
  gone.client.close();
  auto const got = gone.read();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().why, no_request::closed);
}
