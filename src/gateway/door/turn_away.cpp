// SPDX-License-Identifier: Apache-2.0
#include "gateway/door/turn_away.hpp"

#include <fmt/format.h>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/redirect_error.hpp>

#include <array>

#include "gateway/http/request_head.hpp"
#include "gateway/http/write_response.hpp"

namespace hiky::gateway {

namespace http = boost::beast::http;
using boost::system::error_code;
using namespace std::chrono_literals;

http_response refused_entry(http_request const& to, no_entry why) {
  bool const their_doing = why == no_entry::address_connections || why == no_entry::address_rate;
  auto out = plain_response(to, their_doing ? http::status::too_many_requests : http::status::service_unavailable,
                            fmt::format("{}\n", explained(why)));
  out.keep_alive(false);
  out.set(http::field::retry_after, "5");
  return out;
}

task<> turn_away(stream_socket socket, no_entry why) {
  error_code ec;
  std::array<char, 4096> bytes;
  auto const read = [&] {
    return socket.async_read_some(asio::buffer(bytes), asio::cancel_after(1s, asio::redirect_error(use_task, ec)));
  };
  auto const size = co_await read();
  http_request head;
  settle_method(head, {bytes.data(), size});
  co_await write_response(socket, head, refused_entry(head, why));
  socket.shutdown(stream_socket::shutdown_send, ec);
  if (size == bytes.size()) co_await read();  // what is not read resets the connection, and the answer with it
}

}  // namespace hiky::gateway
