// SPDX-License-Identifier: Apache-2.0
#include "gateway/upgrade.hpp"

#include <boost/asio/cancel_after.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "base/log.hpp"
#include "base/trace_context.hpp"
#include "chat/upkeep/expiries.hpp"
#include "gateway/chat_session.hpp"
#include "gateway/door/forwarded.hpp"
#include "gateway/door/origin.hpp"
#include "gateway/door/shown_credentials.hpp"
#include "gateway/door/turn_away.hpp"
#include "gateway/http/write_response.hpp"
#include "gateway/worker.hpp"
#include "gateway/ws/handshake.hpp"

namespace hiky::gateway {

namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t max_user_agent = 256;

// The user that the handshake shows, if it shows one; or an answer other than 101, or the reason of a close frame
// behind it: browsers tell a page the close code of a connection, and never the status of a handshake.
struct judged_identity {
  std::unique_ptr<auth::identity> who{};
  std::optional<request_fault> fault{};
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
    out.fault = request_fault{http::status::service_unavailable,
                              "who you are can't be found out right now; try again in a moment"};
  }
  co_return out;
}

std::string unauthorized_frame(std::string_view reason) {
  auto const frame = control_frame(opcode::close, close_payload(close_code{chat::close_unauthorized}, reason));
  return std::string{frame->bytes()};
}

// The answer to the handshake, as far as that depends on no more than the request and this instance.
std::expected<handshake_answer, request_fault> judge_handshake(worker& on, http_request const& request) {
  auto accepted = accept_handshake(request, on.settings().compress_from != 0);
  if (accepted && on.draining()) {
    return std::unexpected(request_fault{http::status::service_unavailable,
                                         "this instance is going away; connect again to reach another"});
  }
  if (accepted && !origin_allowed(request[http::field::origin], request[http::field::host], on.settings().origins)) {
    on.count().origins_refused.add();
    return std::unexpected(request_fault{
        http::status::forbidden, "pages of this origin may not connect here; an operator can allow it with --origin"});
  }
  return accepted;
}

task<> refuse(stream_socket& socket, http_request const& request, http_response response) {
  co_await write_response(socket, request, std::move(response));
  co_await linger(socket);
}

}  // namespace

task<> upgrade(worker& on, stream_socket socket, admission::seat seat, http_request request, std::string behind) {
  auto accepted = judge_handshake(on, request);
  if (!accepted) co_return co_await refuse(socket, request, refused_handshake(request, accepted.error()));
  auto may_stay = on.admission().may_stay();
  if (may_stay) may_stay = on.admission().speaks_for(seat, client_of(request, seat, on.admission()));
  if (!may_stay) co_return co_await refuse(socket, request, refused_entry(request, may_stay.error()));
  auto judged = co_await judge_identity(on, request);
  if (judged.fault) co_return co_await refuse(socket, request, refused_handshake(request, *judged.fault));
  if (judged.refusal) accepted->text += unauthorized_frame(*judged.refusal);
  error_code ec;
  co_await asio::async_write(socket, asio::buffer(accepted->text),
                             asio::cancel_after(write_patience, asio::redirect_error(use_task, ec)));
  if (ec) co_return;
  if (judged.refusal) co_return co_await linger(socket);
  std::string const agent{request[http::field::user_agent].substr(0, max_user_agent)};
  connection_ptr const link{
      new connection{on.connections(), std::move(socket), accepted->window_bits, std::move(seat)}};
  chat_session::begin(on.flows(), on.count(), link, on.next_connection_id(), agent, std::move(judged.who), behind,
                      trace_id_of({request["traceparent"].data(), request["traceparent"].size()}));
  // The goodbye may have been said while this one waited to be judged, and did not reach it.
  if (on.draining()) link->close(close_code::going_away, "reconnect in 1000", true);
}

}  // namespace hiky::gateway
