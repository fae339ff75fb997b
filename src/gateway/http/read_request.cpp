// SPDX-License-Identifier: Apache-2.0
#include "gateway/http/read_request.hpp"

#include <boost/asio/cancel_after.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include <algorithm>

#include "gateway/http/request_head.hpp"
#include "gateway/http/write_response.hpp"

namespace hiky::gateway {

namespace http = boost::beast::http;
using boost::system::error_code;
using namespace std::chrono_literals;
using request_parser = http::request_parser<http::string_body>;

namespace {

constexpr std::uint32_t max_head = 16 * 1024;

http_status status_of(error_code ec) {
  if (ec == http::error::header_limit) return http_status::request_header_fields_too_large;
  if (ec == http::error::body_limit) return http_status::payload_too_large;
  return http_status::bad_request;
}

unread_request unread(error_code ec, request_parser& parser) {
  if (ec.category() == make_error_code(http::error::end_of_stream).category() && ec != http::error::end_of_stream &&
      ec != http::error::partial_message) {
    auto const why = ec == http::error::header_limit ? no_request::head
                     : ec == http::error::body_limit ? no_request::body
                                                     : no_request::malformed;
    return {why, parser.release(), request_fault{status_of(ec), "not an HTTP/1.1 request: " + ec.message()}};
  }
  if (ec != asio::error::operation_aborted) return {no_request::closed};
  if (!parser.got_some()) return {no_request::silent};
  return {no_request::late, parser.release(),
          request_fault{http_status::request_timeout, "not an HTTP/1.1 request: it did not arrive in time"}};
}

std::string_view text_of(boost::beast::flat_buffer const& input) {
  return {static_cast<char const*>(input.cdata().data()), input.size()};
}

// RFC 9112 2.2: an empty line before a request is nothing. Some clients send one behind a body.
task<> skip_empty_line(stream_socket& socket, boost::beast::flat_buffer& input, std::chrono::milliseconds patience,
                       error_code& ec) {
  constexpr std::string_view line{"\r\n"};
  auto const there = [&] { return text_of(input).substr(0, line.size()); };
  while (there().size() < line.size() && line.starts_with(there())) {
    auto const size = co_await socket.async_read_some(input.prepare(4096),
                                                      asio::cancel_after(patience, asio::redirect_error(use_task, ec)));
    if (ec) co_return;
    input.commit(size);
  }
  if (there() == line) input.consume(line.size());
}

// A client that asks first whether the body is wanted (RFC 9110 10.1.1) waits for this.
task<> invite_body(stream_socket& socket, http_request const& head, error_code& ec) {
  if (head.version() != 11 || !boost::beast::iequals(head[http_field::expect], "100-continue")) co_return;
  constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  co_await asio::async_write(socket, asio::buffer(go_on),
                             asio::cancel_after(write_patience, asio::redirect_error(use_task, ec)));
}

}  // namespace

task<std::expected<received_request, unread_request>> read_request(
    stream_socket& socket, std::string& buffer, std::chrono::milliseconds patience,
    std::function<bool(http_request const& head)> const& wants_body) {
  boost::beast::flat_buffer input{max_head + max_request_body};
  input.commit(asio::buffer_copy(input.prepare(buffer.size()), asio::buffer(buffer)));
  buffer.clear();
  request_parser parser;
  parser.header_limit(max_head);
  parser.body_limit(max_request_body);
  error_code ec;
  auto const until = std::chrono::steady_clock::now() + patience;
  auto const left = [&] {
    return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()),
                    0ms);
  };
  co_await skip_empty_line(socket, input, patience, ec);
  if (!ec)
    co_await http::async_read_header(socket, input, parser,
                                     asio::cancel_after(left(), asio::redirect_error(use_task, ec)));
  settle_method(parser.get(), text_of(input));
  // Nobody knows where such a body ends (RFC 9112 6.3).
  if (!ec && parser.get().count(http_field::transfer_encoding) > 0 && !parser.chunked())
    ec = http::error::bad_transfer_encoding;
  if (auto fault = ec ? std::nullopt : settle_head(parser.get()))
    co_return std::unexpected(unread_request{no_request::malformed, parser.release(), std::move(fault)});
  if (!ec && wants_body(parser.get()) && !parser.is_done()) {
    if (input.size() == 0) co_await invite_body(socket, parser.get(), ec);
    if (!ec)
      co_await http::async_read(socket, input, parser, asio::cancel_after(left(), asio::redirect_error(use_task, ec)));
  }
  if (ec) co_return std::unexpected(unread(ec, parser));
  bool const body_unread = !parser.is_done();
  co_return received_request{parser.release(), body_unread ? std::string{} : std::string{text_of(input)}, body_unread};
}

task<> refuse_unread(stream_socket& socket, unread_request const& what, http_response response) {
  response.keep_alive(false);
  co_await write_response(socket, what.head, std::move(response));
  if (what.why != no_request::late) co_await linger(socket);
}

}  // namespace hiky::gateway
