// SPDX-License-Identifier: Apache-2.0
#include "gateway/http/write_response.hpp"

#include <boost/asio/cancel_after.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/http/write.hpp>

#include <array>

namespace hiky::gateway {

namespace http = boost::beast::http;
using boost::system::error_code;
using namespace std::chrono_literals;

task<bool> write_response(stream_socket& socket, http_request const& to, http_response response) {
  error_code ec;
  if (to.method() == http::verb::head) response.body().clear();  // Content-Length stays that of the GET
  auto const again = response.keep_alive();
  co_await http::async_write(socket, response, asio::cancel_after(write_patience, asio::redirect_error(use_task, ec)));
  co_return !ec && again;
}

task<> linger(stream_socket& socket) {
  error_code ec;
  socket.shutdown(stream_socket::shutdown_send, ec);
  std::array<char, 4096> rest;
  for (int i = 0; i < 64 && !ec; ++i)
    co_await socket.async_read_some(asio::buffer(rest), asio::cancel_after(1s, asio::redirect_error(use_task, ec)));
}

}  // namespace hiky::gateway
