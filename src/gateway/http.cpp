// SPDX-License-Identifier: Apache-2.0
#include "gateway/http.hpp"

#include <fmt/format.h>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/clock.hpp"
#include "base/token_bucket.hpp"
#include "gateway/api/api.hpp"
#include "gateway/api/target.hpp"
#include "gateway/door/forwarded.hpp"
#include "gateway/http/read_request.hpp"
#include "gateway/http/write_response.hpp"
#include "gateway/site.hpp"
#include "gateway/upgrade.hpp"
#include "gateway/worker.hpp"
#include "gateway/ws/handshake.hpp"

namespace hiky::gateway {

namespace http = boost::beast::http;
using boost::system::error_code;
using namespace std::chrono_literals;

namespace {

// Pages that a client may fetch over one connection; for more it waits. A key that opens the API has a rate of its own.
constexpr float pages_per_s = 10, page_burst = 30;
constexpr auto page_pause = 100ms;

// The API answers as the API, also what could not be read.
http_response unread_response(unread_request const& what) {
  if (is_api_path(path_of(what.head))) return unread_api_response(what.head, *what.fault);
  return plain_response({}, what.fault->status, what.fault->reason + "\n");
}

http_response asked_too_often(http_request const& to) {
  auto out = plain_response(to, http::status::too_many_requests,
                            "the metrics are asked for too often from your address; wait a second\n");
  out.set(http::field::retry_after, "1");
  return out;
}

// Anything but a WebSocket. `demand`: of a request for the API.
task<http_response> answer(worker& on, http_request const& request, admission::seat const& seat,
                           std::optional<api_demand> demand, door by) {
  if (path_of(request) == metrics_path && !on.admission().may_fetch(client_of(request, seat, on.admission()))) {
    on.count().refused_pages.add();
    co_return asked_too_often(request);
  }
  if (wants_websocket(request))
    co_return refused_handshake(
        request, {http::status::not_found, fmt::format("no WebSocket here; the endpoint is {}", websocket_path)});
  if (demand) co_return co_await api_response(on.api(), request, std::move(*demand));
  co_return co_await site_response(on, request, by);
}

}  // namespace

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
    auto received = co_await read_request(socket, buffer, patience, [&](http_request const& head) {
      if (by != door::clients && is_api_path(path_of(head)) && !wants_websocket(head))
        demand = judge_api_head(on.api(), head, client_of(head, seat, on.admission()));
      return demand && demand->key;
    });
    if (!received) {
      auto const& what = received.error();
      if (what.fault) co_await refuse_unread(socket, what, unread_response(what));
      if (what.why != no_request::closed && (first || what.why != no_request::silent))
        on.count().unread_requests[static_cast<std::size_t>(what.why)].add();
      co_return;
    }
    auto& request = received->request;
    buffer = std::move(received->behind);
    patience = on.settings().handshake_deadline;
    if (path_of(request) == websocket_path)
      co_return co_await upgrade(on, std::move(socket), std::move(seat), std::move(request), std::move(buffer));
    if (!(demand && demand->key) && !pages.take(pages_per_s, page_burst, now_ms())) {
      on.count().delayed_pages.add();
      pause.expires_after(page_pause);
      co_await pause.async_wait(use_task);
    }
    auto response = co_await answer(on, request, seat, std::move(demand), by);
    if (received->body_unread) response.keep_alive(false);
    if (co_await write_response(socket, request, std::move(response))) continue;
    co_await linger(socket);
    co_return;
  }
}

}  // namespace hiky::gateway
