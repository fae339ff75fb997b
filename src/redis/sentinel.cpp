// SPDX-License-Identifier: Apache-2.0
#include "redis/sentinel.hpp"

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "redis/exchange.hpp"

namespace hiky::redis {

using boost::system::error_code;

namespace {

// One request on a connection that has no read loop.
task<result<reply>> ask(socket& through, request const& what, std::chrono::milliseconds patience) {
  exchange talk;
  auto const answer = std::make_shared<std::optional<result<reply>>>();
  exchange::done then{[answer](result<reply> r) { *answer = std::move(r); }};
  if (auto const queued = talk.submit(what, exchange::clock::now() + patience, then); !queued)
    co_return std::unexpected(queued.error());
  error_code ec;
  co_await asio::async_write(through, asio::buffer(talk.output()),
                             asio::cancel_after(patience, asio::redirect_error(use_task, ec)));
  while (!ec && !*answer) {
    auto const room = talk.prepare(1024);
    auto const size = co_await through.async_read_some(
        asio::buffer(room.data(), room.size()), asio::cancel_after(patience, asio::redirect_error(use_task, ec)));
    if (ec) break;
    if (auto const fed = talk.commit(size); !fed) co_return std::unexpected(fed.error());
  }
  if (ec == asio::error::operation_aborted)
    co_return fail(errc::timeout, fmt::format("no answer within {} ms", patience.count()));
  if (ec) co_return fail(errc::not_connected, ec.message());
  co_return std::move(**answer);
}

task<result<address::host_port>> ask_one(socket& through, address const& where, address::host_port const& sentinel,
                                         tls::context secure) {
  if (auto const open = co_await dial(through, sentinel, std::move(secure), where.connect_deadline); !open)
    co_return std::unexpected(open.error());
  request const which{"SENTINEL", "get-master-addr-by-name", where.master};
  auto told = co_await ask(through, which, where.connect_deadline);
  if (told && told->server_error() && !where.password.empty()) {
    request const login{"AUTH", where.login_name(), where.password};
    auto const admitted = co_await ask(through, login, where.connect_deadline);
    if (!admitted) co_return std::unexpected(admitted.error());
    if (auto const why = admitted->server_error()) {
      co_return fail(errc::server_error, fmt::format("wants a login, and refused that of the URL: {}", *why));
    }
    told = co_await ask(through, which, where.connect_deadline);
  }
  if (!told) co_return std::unexpected(told.error());
  if (auto const why = told->server_error()) co_return fail(errc::server_error, std::string{*why});
  auto const found = (*told)[0].strings();
  if (found.size() != 2) co_return fail(errc::not_connected, "knows no master of this name");
  co_return address::host_port{found[0], found[1]};
}

}  // namespace

task<result<address::host_port>> find_master(socket& through, address const& where, tls::context secure,
                                             std::size_t first) {
  std::string why;
  for (std::size_t i = 0; i < where.sentinels.size(); ++i) {
    auto const& sentinel = where.sentinels[(first + i) % where.sentinels.size()];
    auto found = co_await ask_one(through, where, sentinel, secure);
    if (found) co_return found;
    why += fmt::format("; {}:{}: {}", sentinel.host, sentinel.port, found.error().text);
  }
  co_return fail(errc::not_connected, fmt::format("no Sentinel tells where '{}' is{}", where.master, why));
}

}  // namespace hiky::redis
