// SPDX-License-Identifier: Apache-2.0
#include "app/daemon/health_question.hpp"

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <optional>

#include "base/tls.hpp"
#include "redis/dial.hpp"

namespace hiky::app {
namespace {

namespace http = boost::beast::http;
using namespace std::chrono_literals;
using gateway::listen_address;

constexpr auto patience = 5s;  // /health itself waits two for Redis

// A Unix socket if there is one: it speaks no TLS and wants no PROXY header.
listen_address door_of(daemon_config const& config) {
  auto const unix_socket =
      std::ranges::find_if(config.listen, [](listen_address const& where) { return !where.unix_path.empty(); });
  auto out = unix_socket != config.listen.end() ? *unix_socket : config.listen.front();
  if (out.host == "0.0.0.0") out.host = "127.0.0.1";
  if (out.host == "::") out.host = "::1";
  return out;
}

task<result<std::string>> asked(listen_address where, bool tls, std::string path) {
  redis::socket socket{co_await asio::this_coro::executor};
  // The certificate is not checked: nothing secret is said, and it is meant for the names that clients use.
  auto const secure = tls ? tls::unchecking_client_context() : nullptr;
  auto const open = where.unix_path.empty()
                        ? co_await redis::dial(socket, {where.host, std::to_string(where.port)}, secure, patience)
                        : co_await redis::dial(socket, where.unix_path, patience);
  if (!open) co_return std::unexpected(open.error());
  boost::system::error_code ec;
  http::request<http::empty_body> question{http::verb::get, path, 11};
  question.set(http::field::host, "localhost");
  question.set(http::field::connection, "close");
  co_await http::async_write(socket, question, asio::redirect_error(use_task, ec));
  boost::beast::flat_buffer buffer;
  http::response<http::string_body> answer;
  if (!ec) co_await http::async_read(socket, buffer, answer, asio::redirect_error(use_task, ec));
  if (ec) co_return fail(errc::io, "no answer came: " + ec.message());
  while (answer.body().ends_with('\n')) answer.body().pop_back();
  if (answer.result() == http::status::ok) co_return std::move(answer.body());
  co_return fail(errc::io, fmt::format("status {}: {}", answer.result_int(), answer.body()));
}

}  // namespace

result<std::string> ask_daemon(daemon_config const& config) {
  auto const where = door_of(config);
  asio::io_context io{1};
  std::optional<result<std::string>> answer;
  asio::co_spawn(io, asked(where, config.gateway.tls && where.unix_path.empty(), config.only_ask),
                 [&](std::exception_ptr bug, result<std::string> found) {
                   if (bug) std::rethrow_exception(bug);
                   answer = std::move(found);
                   io.stop();
                 });
  io.run_for(patience);
  if (!answer)
    return fail(errc::timeout, fmt::format("{}: no answer within {} s", where.to_string(), patience.count()));
  if (!*answer) return fail((*answer).error().code, fmt::format("{}: {}", where.to_string(), answer->error().text));
  return std::move(*answer);
}

}  // namespace hiky::app
