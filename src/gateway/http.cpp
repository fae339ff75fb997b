// SPDX-License-Identifier: Apache-2.0
#include "gateway/http.hpp"

#include <fmt/format.h>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/trace_context.hpp"
#include "chat/upkeep/expiries.hpp"
#include "gateway/api/api.hpp"
#include "gateway/api/problem.hpp"
#include "gateway/api/target.hpp"
#include "gateway/chat_session.hpp"
#include "gateway/door/forwarded.hpp"
#include "gateway/door/origin.hpp"
#include "gateway/door/shown_credentials.hpp"
#include "gateway/http/request_head.hpp"
#include "gateway/site.hpp"
#include "gateway/worker.hpp"

namespace hiky::gateway {

namespace http = boost::beast::http;
using boost::system::error_code;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t max_head = 16 * 1024;
constexpr std::uint64_t max_request_body = 64 * 1024;
constexpr auto write_patience = 10s;
constexpr std::size_t max_user_agent = 256;
// What anybody may fetch over one connection; who wants more waits. Whose key opens the API has the key's rate instead.
constexpr float pages_per_s = 10, page_burst = 30;
constexpr auto page_pause = 100ms;

http::status status_of(error_code ec) {
  if (ec == http::error::header_limit) return http::status::request_header_fields_too_large;
  if (ec == http::error::body_limit) return http::status::payload_too_large;
  return http::status::bad_request;
}

// Whom the handshake shows, if it shows anybody; or an answer other than 101, or the reason of a close frame behind it:
// browsers tell a page the close code of a connection, and never the status of a handshake.
struct judged_identity {
  std::unique_ptr<auth::identity> who{};
  std::optional<handshake_fault> fault{};
  std::optional<std::string> refusal{};
};
task<judged_identity> judge_identity(worker& on, http_request const& request) {
  judged_identity out;
  auto shown = shown_credentials(request);
  if (shown.token.empty() && shown.cookies.empty()) co_return out;
  auto found = co_await on.gate().identify(std::move(shown));
  if (found && *found) out.who = std::make_unique<auth::identity>(std::move(**found));
  else if (!found && found.error().code == errc::invalid_argument) out.refusal = std::move(found.error().text);
  else if (!found) {
    log::warn("handshake.unjudged", {{"code", to_string(found.error().code)}, {"reason", found.error().text}});
    out.fault = handshake_fault{http::status::service_unavailable,
                                "who you are can't be found out right now; try again in a moment"};
  }
  co_return out;
}

std::string unauthorized_frame(std::string_view reason) {
  return std::string{shared_frame::make(close_payload(close_code{chat::close_unauthorized}, reason), 0x88)->bytes()};
}

peer_address client_of(worker& on, http_request const& request, admission::seat const& seat) {
  auto const is_trusted = [&](peer_address const& a) { return on.admission().is_trusted(a); };
  return is_trusted(seat.address()) ? forwarded_client(request, seat.address(), is_trusted) : seat.address();
}

// A request line that cannot be read, or is not there as a whole, tells its method all the same: an answer to HEAD has
// no body (RFC 9110 9.3.2).
void settle_method(http_request& head, std::string_view bytes) {
  if (head.method_string().empty() && bytes.starts_with("HEAD ")) head.method(http::verb::head);
}

// To what is not, or not yet, a request. The API answers as the API, also where a body is too large.
http_response unreadable(http_request const& head, http::status status, std::string const& why) {
  if (is_api_path(path_of(head))) {
    bool const large = status == http::status::payload_too_large;
    return problem_response(head, {status, large ? "too_large" : "invalid_argument",
                                   large ? fmt::format("the body is larger than {} bytes", max_request_body) : why});
  }
  return plain_response({}, status, why + "\n");
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

}  // namespace

task<> linger(stream_socket& socket) {
  error_code ec;
  socket.shutdown(stream_socket::shutdown_send, ec);
  std::array<char, 4096> rest;
  for (int i = 0; i < 64 && !ec; ++i)
    co_await socket.async_read_some(asio::buffer(rest), asio::cancel_after(1s, asio::redirect_error(use_task, ec)));
}

http_response plain_response(http_request const& to, http::status status, std::string text) {
  http_response out{status, 11};
  out.keep_alive(to.keep_alive());
  out.set(http::field::content_type, "text/plain; charset=utf-8");
  out.body() = std::move(text);
  out.prepare_payload();
  return out;
}

http_response refused_handshake(http_request const& to, handshake_fault const& why) {
  auto out = plain_response(to, why.status, why.reason + "\n");
  out.keep_alive(false);
  if (why.status == http::status::upgrade_required) {
    out.set(http::field::upgrade, "websocket");
    out.set(http::field::connection, "Upgrade, close");
    out.set(http::field::sec_websocket_version, "13");
  }
  if (why.status == http::status::service_unavailable) out.set(http::field::retry_after, "1");
  return out;
}

task<std::expected<http_greeting, no_request>> read_request(
    stream_socket& socket, std::string& buffer, std::chrono::milliseconds patience,
    std::function<bool(http_request const& head)> const& wants_body) {
  boost::beast::flat_buffer input{max_head + max_request_body};
  input.commit(asio::buffer_copy(input.prepare(buffer.size()), asio::buffer(buffer)));
  buffer.clear();
  http::request_parser<http::string_body> parser;
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
  if (!ec && parser.get().count(http::field::transfer_encoding) > 0 && !parser.chunked())
    ec = http::error::bad_transfer_encoding;
  if (auto const fault = ec ? std::nullopt : settle_head(parser.get())) {
    auto answer = unreadable(parser.get(), fault->status, fault->reason);
    answer.keep_alive(false);
    co_await write_response(socket, parser.get(), std::move(answer));
    co_await linger(socket);
    co_return std::unexpected(no_request::malformed);
  }
  if (!ec && wants_body(parser.get()) && !parser.is_done()) {
    // A client that asks first whether the body is wanted (RFC 9110 10.1.1) waits for this.
    auto const& head = parser.get();
    if (head.version() == 11 && boost::beast::iequals(head[http::field::expect], "100-continue") && input.size() == 0) {
      constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await asio::async_write(socket, asio::buffer(go_on),
                                 asio::cancel_after(write_patience, asio::redirect_error(use_task, ec)));
    }
    if (!ec)
      co_await http::async_read(socket, input, parser, asio::cancel_after(left(), asio::redirect_error(use_task, ec)));
  }
  if (!ec) {
    bool const unread = !parser.is_done();
    co_return http_greeting{parser.release(), unread ? std::string{} : std::string{text_of(input)}, unread};
  }
  if (ec.category() == make_error_code(http::error::end_of_stream).category() && ec != http::error::end_of_stream &&
      ec != http::error::partial_message) {
    auto answer = unreadable(parser.get(), status_of(ec), "not an HTTP/1.1 request: " + ec.message());
    answer.keep_alive(false);
    co_await write_response(socket, parser.get(), std::move(answer));
    co_await linger(socket);
    co_return std::unexpected(ec == http::error::header_limit ? no_request::head
                              : ec == http::error::body_limit ? no_request::body
                                                              : no_request::malformed);
  }
  if (ec != asio::error::operation_aborted) co_return std::unexpected(no_request::closed);
  if (!parser.got_some()) co_return std::unexpected(no_request::silent);
  auto answer =
      unreadable(parser.get(), http::status::request_timeout, "not an HTTP/1.1 request: it did not arrive in time");
  answer.keep_alive(false);
  co_await write_response(socket, parser.get(), std::move(answer));
  co_return std::unexpected(no_request::late);
}

task<bool> write_response(stream_socket& socket, http_request const& to, http_response response) {
  error_code ec;
  if (to.method() == http::verb::head) response.body().clear();  // Content-Length stays that of the GET
  auto const again = response.keep_alive();
  co_await http::async_write(socket, response, asio::cancel_after(write_patience, asio::redirect_error(use_task, ec)));
  co_return !ec && again;
}

http_response refused_entry(http_request const& to, no_entry why) {
  bool const their_doing = why == no_entry::address_connections || why == no_entry::address_rate;
  auto out = plain_response(to, their_doing ? http::status::too_many_requests : http::status::service_unavailable,
                            fmt::format("{}\n", explained(why)));
  out.keep_alive(false);
  out.set(http::field::retry_after, "5");
  return out;
}

http_response asked_too_often(http_request const& to) {
  auto out = plain_response(to, http::status::too_many_requests,
                            "the metrics are asked for too often from your address; wait a second\n");
  out.set(http::field::retry_after, "1");
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

task<> serve_http(worker& on, stream_socket socket, admission::seat seat, std::chrono::milliseconds patience, door by) {
  std::string buffer;
  token_bucket pages;
  asio::steady_timer pause{socket.get_executor()};
  for (bool first = true;; first = false) {
    if (!first && buffer.empty()) {
      // There may be silence between two requests; one that has begun has no longer than the first.
      error_code silent;
      co_await socket.async_wait(stream_socket::wait_read,
                                 asio::cancel_after(on.settings().keep_alive, asio::redirect_error(use_task, silent)));
      if (silent) co_return;
    }
    std::optional<api_demand> demand;
    auto greeting = co_await read_request(socket, buffer, patience, [&](http_request const& head) {
      if (by != door::clients && is_api_path(path_of(head)) && !wants_websocket(head))
        demand = judge_api_head(on, head, client_of(on, head, seat));
      return demand && demand->key;
    });
    if (!greeting) {
      auto const why = greeting.error();
      if (why != no_request::closed && (first || why != no_request::silent))
        on.count().unread_requests[static_cast<std::size_t>(why)].add();
      co_return;
    }
    auto& request = greeting->request;
    buffer = std::move(greeting->behind);
    patience = on.settings().handshake_deadline;

    if (path_of(request) != websocket_path) {
      if (!(demand && demand->key) && !pages.take(pages_per_s, page_burst, now_ms())) {
        on.count().delayed_pages.add();
        pause.expires_after(page_pause);
        co_await pause.async_wait(use_task);
      }
      bool const too_often =
          path_of(request) == metrics_path && !on.admission().may_fetch(client_of(on, request, seat));
      if (too_often) on.count().refused_pages.add();
      auto response =
          too_often ? asked_too_often(request)
          : wants_websocket(request)
              ? refused_handshake(request, {http::status::not_found,
                                            fmt::format("no WebSocket here; the endpoint is {}", websocket_path)})
          : demand ? co_await api_response(on, request, std::move(*demand))
                   : co_await site_response(on, request, by);
      if (greeting->body_unread) response.keep_alive(false);
      if (co_await write_response(socket, request, std::move(response))) continue;
      co_await linger(socket);
      co_return;
    }
    auto accepted = accept_handshake(request, on.settings().compress_from != 0);
    if (accepted && on.draining()) {
      accepted = std::unexpected(handshake_fault{http::status::service_unavailable,
                                                 "this instance is going away; connect again to reach another"});
    }
    if (accepted && !origin_allowed(request[http::field::origin], request[http::field::host], on.settings().origins)) {
      on.count().origins_refused.add();
      accepted = std::unexpected(
          handshake_fault{http::status::forbidden,
                          "pages of this origin may not connect here; an operator can allow it with --origin"});
    }
    std::expected<void, no_entry> may_stay{};
    if (accepted) may_stay = on.admission().may_stay();
    if (accepted && may_stay) may_stay = on.admission().speaks_for(seat, client_of(on, request, seat));
    judged_identity judged;
    if (accepted && may_stay) judged = co_await judge_identity(on, request);
    if (judged.fault) accepted = std::unexpected(std::move(*judged.fault));
    if (accepted && judged.refusal) accepted->text += unauthorized_frame(*judged.refusal);
    if (!accepted || !may_stay) {
      co_await write_response(
          socket, request,
          accepted ? refused_entry(request, may_stay.error()) : refused_handshake(request, accepted.error()));
      co_await linger(socket);
      co_return;
    }
    error_code ec;
    co_await asio::async_write(socket, asio::buffer(accepted->text),
                               asio::cancel_after(write_patience, asio::redirect_error(use_task, ec)));
    if (ec) co_return;
    if (judged.refusal) {
      co_await linger(socket);
      co_return;
    }
    std::string const agent{request[http::field::user_agent].substr(0, max_user_agent)};
    connection_ptr const link{
        new connection{on.connections(), std::move(socket), accepted->window_bits, std::move(seat)}};
    chat_session::begin(on.flows(), on.count(), link, on.next_connection_id(), agent, std::move(judged.who), buffer,
                        trace_id_of({request["traceparent"].data(), request["traceparent"].size()}));
    // The goodbye may have been said while this one waited to be judged, and did not reach it.
    if (on.draining()) link->close(close_code::going_away, "reconnect in 1000", true);
    co_return;
  }
}

}  // namespace hiky::gateway
