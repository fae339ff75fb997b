// SPDX-License-Identifier: Apache-2.0
#include "chat/requests/lane.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace hiky::chat {

task<lane::turn> lane::enter() {
  if (!waiting_.empty() || clock::now() < opens_.expiry()) {
    co_await asio::async_initiate<asio::use_awaitable_t<> const, void()>(
        [this](auto handler) {
          waiting_.emplace_back(std::move(handler));
          if (waiting_.size() == 1) open_at(opens_.expiry());
        },
        use_task);
  }
  turn const mine{++entered_, clock::now()};
  open_at(mine.began + longest);
  co_return mine;
}

void lane::leave(turn const& t) {
  if (t.number == 0 || t.number != entered_) return;  // none, or it took too long and the next is under way
  auto const now = clock::now();
  open_at(std::min(now + (now - t.began), now + longest));
}

void lane::open_at(clock::time_point when) {
  opens_.expires_at(when);  // cancels the wait before
  if (waiting_.empty()) return;
  opens_.async_wait([this](boost::system::error_code ec) {
    if (!ec) let_in();
  });
}

void lane::let_in() {
  if (waiting_.empty()) return;
  auto next = std::move(waiting_.front());
  waiting_.pop_front();
  asio::dispatch(opens_.get_executor(), std::move(next));
}

}  // namespace hiky::chat
