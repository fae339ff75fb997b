// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/replay.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <memory>

namespace hiky::chat {

task<bool> replay::send(session_ptr s, std::span<recovery const> resumed) {
  std::size_t bytes = 0;
  for (auto const& room : resumed) {
    if (!room.recovered && s->extended) answers_.send(*s, gap(room));
    for (auto const& message : room.messages) {
      answers_.send(*s, message);
      bytes += message.size();
      if (bytes < replayed_at_once) continue;
      bytes = 0;
      if (!co_await flushed(*s)) co_return false;
    }
    if (room.at_hand < room.brought.last && !co_await send_rest(s, room)) co_return false;
  }
  co_return true;
}

// Messages of a recovery that are not at hand are read again. Messages that have gone from the log meanwhile are a gap.
task<bool> replay::send_rest(session_ptr s, recovery const& room) {
  auto const lost = [&](std::uint64_t from, std::uint64_t to) {
    if (!s->extended || from > to) return;
    recovery missing{.room = room.room};
    missing.lost_from = from;
    missing.lost_to = to;
    missing.now = room.now;
    answers_.send(*s, gap(missing));
  };
  for (auto next = std::max(room.at_hand + 1, room.brought.first); next <= room.brought.last;) {
    if (!co_await flushed(*s)) co_return false;
    auto const turn = co_await heavy_.enter();
    auto const page =
        co_await store_.room_log.after(room.room, next - 1, room.brought.last - next + 1, replayed_at_once);
    heavy_.leave(turn);
    if (!page) {
      // The ledger assumes that the client gets the message. When the client connects again, it asks for the message
      // again.
      s->close(close_try_again, "what you missed can't be read right now; connect again");
      co_return false;
    }
    if (page->epoch != room.brought.epoch || page->messages.empty()) co_return lost(next, room.brought.last), true;
    for (auto const& message : page->messages) {
      if (message.seq > room.brought.last) break;
      lost(next, message.seq - 1);
      answers_.send(*s, message.frame);
      next = message.seq + 1;
    }
    if (page->messages.back().seq < room.brought.last) continue;
    lost(next, room.brought.last);
    break;
  }
  co_return co_await flushed(*s);
}

task<bool> replay::flushed(session& s) {
  using done = asio::any_completion_handler<void(bool)>;
  co_return co_await asio::async_initiate<asio::use_awaitable_t<> const, void(bool)>(
      [this, &s](auto handler) {
        auto const then = std::make_shared<done>(std::move(handler));
        s.after_flush([this, then](bool ok) { asio::post(ex_, asio::append(std::move(*then), ok)); });
      },
      use_task);
}

}  // namespace hiky::chat
