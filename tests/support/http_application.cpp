// SPDX-License-Identifier: Apache-2.0
#include "support/http_application.hpp"

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

namespace support {

namespace asio = boost::asio;
using hiky::task;
using hiky::use_task;
using tcp = asio::ip::tcp;

struct http_application::server : std::enable_shared_from_this<http_application::server> {
  server(asio::any_io_executor ex, http_application* front)
      : acceptor(ex, tcp::endpoint{asio::ip::address_v4::loopback(), 0}), all(front) {}

  void accept() {
    acceptor.async_accept([self = shared_from_this()](boost::system::error_code ec, tcp::socket s) {
      if (ec) return;
      asio::co_spawn(self->acceptor.get_executor(), talk(self, std::move(s)), asio::detached);
      self->accept();
    });
  }

  // Requests with a Content-Length, one behind the other.
  static task<> talk(std::shared_ptr<server> self, tcp::socket s) {
    for (std::string in;;) {
      boost::system::error_code ec;
      auto const head =
          co_await asio::async_read_until(s, asio::dynamic_buffer(in), "\r\n\r\n", asio::redirect_error(use_task, ec));
      if (ec) co_return;
      auto const at = in.find("Content-Length: ");
      auto const size = at < head ? std::stoul(in.substr(at + 16)) : 0;
      while (in.size() < head + size) {
        char more[1024];
        auto const read = co_await s.async_read_some(asio::buffer(more), asio::redirect_error(use_task, ec));
        if (ec) co_return;
        in.append(more, read);
      }
      if (!self->all) co_return;
      self->all->questions.push_back(in.substr(0, head + size));
      in.erase(0, head + size);
      if (self->status < 0) co_return;
      if (self->status == 0) continue;
      auto const answer = fmt::format("HTTP/1.1 {} as told\r\nContent-Length: 0\r\n\r\n", self->status);
      co_await asio::async_write(s, asio::buffer(answer), asio::redirect_error(use_task, ec));
    }
  }

  tcp::acceptor acceptor;
  http_application* all;  // nullptr once it is gone
  int status = 0;  // 0: no answer; below: the connection ends
};

http_application::http_application(asio::any_io_executor executor)
    : server_(std::make_shared<server>(std::move(executor), this)) {
  server_->accept();
}

http_application::~http_application() {
  server_->all = nullptr;
  server_->acceptor.close();
}

std::string http_application::url(std::string_view path) const {
  return fmt::format("http://127.0.0.1:{}{}", server_->acceptor.local_endpoint().port(), path);
}
void http_application::answers(int status) { server_->status = status; }
void http_application::hangs_up() { server_->status = -1; }
void http_application::is_silent() { server_->status = 0; }

}  // namespace support
