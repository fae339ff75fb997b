// SPDX-License-Identifier: Apache-2.0
#include "redis/client.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include "redis/connection.hpp"

namespace hiky::redis {

client::client(asio::any_io_executor executor, address where)
    : connection_(std::make_shared<connection>(std::move(executor), std::move(where))) {}
client::~client() { stop(); }

void client::start() { connection_->start(); }
void client::stop() { connection_->stop(); }
void client::reconnect(error why) { connection_->reconnect(std::move(why)); }
bool client::connected() const { return connection_->up(); }

// The coroutines below hold the connection: the client may be gone before they end.
task<result<void>> client::wait_connected(std::chrono::milliseconds patience) {
  auto const held = connection_;
  co_return co_await held->wait_up(patience);
}

task<result<reply>> client::exec_each(request r) { co_return co_await each_kept(r); }

task<result<reply>> client::each_kept(request const& r) {
  auto const held = connection_;
  if (!held->up()) {
    co_return fail(errc::not_connected,
                   "no connection to Redis at " + held->where().to_string() + ": " + held->last_error().text);
  }
  co_return co_await asio::async_initiate<asio::use_awaitable_t<> const, void(result<reply>)>(
      [&held, &r](auto handler) { held->traffic().submit(r, std::move(handler)); }, use_task);
}

task<result<reply>> client::exec(request r) { co_return co_await exec_kept(r); }

task<result<reply>> client::exec_kept(request const& r) {
  auto const held = connection_;
  auto answer = co_await each_kept(r);
  if (answer) {
    if (auto const refused = answer->server_error()) {
      if (refused->contains("READONLY")) held->no_writes(*refused);
      co_return fail(errc::server_error, std::string{*refused});
    }
  }
  co_return answer;
}

task<bool> client::answers(std::chrono::milliseconds patience) {
  if (!connection_->up()) co_return false;
  auto const timer = std::make_shared<asio::steady_timer>(connection_->executor(), patience);
  auto const heard = std::make_shared<bool>(false);
  connection_->traffic().submit(request{"PING"}, [timer, heard](result<reply> const& answer) {
    *heard = answer.has_value();
    timer->cancel();
  });
  boost::system::error_code ignored;
  co_await timer->async_wait(asio::redirect_error(use_task, ignored));
  co_return *heard;
}

void client::send(request const& r) {
  if (connection_->up()) connection_->traffic().submit_silent(r);
}

void client::on_login(request r) { connection_->on_login(std::move(r)); }
void client::on_push(exchange::push_handler handler, std::function<void()> batch_end) {
  connection_->traffic().on_push(std::move(handler), std::move(batch_end));
}
void client::on_state(std::function<void(bool)> handler) { connection_->on_state(std::move(handler)); }
void client::on_other_data(std::function<void()> handler) { connection_->on_other_data(std::move(handler)); }

address const& client::where() const { return connection_->where(); }
counters const& client::counts() const { return connection_->traffic().counts(); }
asio::any_io_executor client::executor() const { return connection_->executor(); }

}  // namespace hiky::redis
