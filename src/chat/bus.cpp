// SPDX-License-Identifier: Apache-2.0
#include "chat/bus.hpp"

#include <boost/asio/append.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include "base/log.hpp"
#include "state/keys.hpp"

namespace hiky::chat {

bus::bus(redis::client& connection, instance_id instance)
    : ex_(connection.executor()),
      client_(connection),
      room_prefix_(state::keys::room_channels(connection.where().database)),
      instance_channel_(state::keys::instance_channels(connection.where().database) + instance.str()),
      deadline_(ex_) {
  client_.on_push([this](std::span<redis::node const> m) { pushed(m); }, [this] { flush(); });
  client_.on_state([this](bool up) { state_changed(up); });
}

void bus::add_worker(sink to) {
  sinks_.push_back(std::move(to));
  batches_.emplace_back();
}

task<result<void>> bus::listen(std::size_t worker, std::vector<room_id> rooms) {
  co_return co_await asio::async_initiate<asio::use_awaitable_t<> const, void(result<void>)>(
      [this, worker, rooms = std::move(rooms)](auto handler) mutable {
        asio::dispatch(ex_, [this, worker, rooms = std::move(rooms), then = done{std::move(handler)}]() mutable {
          want(worker, rooms, std::move(then));
        });
      },
      use_task);
}

void bus::ignore(std::size_t worker, room_id room) {
  asio::dispatch(ex_, [this, worker, room = std::move(room)] { unwant(worker, room.str()); });
}

task<> bus::catch_up() {
  co_await asio::co_spawn(
      ex_,
      [](bus& self) -> task<> {
        // Redis answers behind the pushes that it has written before, and what a worker is given reaches it in order.
        co_await self.client_.exec(redis::request{"PING"});
        self.flush();
      }(*this),
      use_task);
}

void bus::want(std::size_t worker, std::vector<room_id> const& rooms, done then) {
  auto const w = std::make_shared<waiter>(0, std::move(then));
  redis::request subscribe;
  std::vector<std::string_view> fresh;
  for (auto const& room : rooms) {
    auto const [found, added] = rooms_.try_emplace(room.str());
    auto& c = found->second;
    if (c.workers == 0) {
      ++c.unconfirmed;
      fresh.push_back(found->first);
    }
    c.workers |= std::uint64_t{1} << worker;
    if (c.unconfirmed > 0) {
      ++w->missing;
      c.waiting.push_back(w);
    }
  }
  if (w->missing == 0) return finish(*w, {});
  if (!connected_) return finish(*w, fail(errc::not_connected, "no connection to Redis for the bus"));
  if (!fresh.empty()) {
    subscribe.begin(1 + fresh.size()).arg("SUBSCRIBE");
    for (auto const room : fresh) subscribe.arg(room_prefix_ + std::string{room});
    client_.send(subscribe);
  }
  deadlines_.emplace_back(std::chrono::steady_clock::now() + client_.where().deadline, w);
  if (deadlines_.size() == 1) expire();
}

void bus::unwant(std::size_t worker, std::string const& room) {
  auto const found = rooms_.find(room);
  if (found == rooms_.end()) return;
  auto& c = found->second;
  c.workers &= ~(std::uint64_t{1} << worker);
  if (c.workers != 0) return;
  if (!connected_) {
    rooms_.erase(found);
    return;
  }
  ++c.unconfirmed;  // stays known until Redis confirms, so that a SUBSCRIBE on its heels is told apart
  client_.send(redis::request{"UNSUBSCRIBE", room_prefix_ + room});
}

void bus::finish(waiter& w, result<void> outcome) {
  if (!w.then) return;
  // Back to the thread that asked.
  auto then = std::exchange(w.then, {});
  auto const home = asio::get_associated_executor(then);
  asio::dispatch(home, asio::append(std::move(then), std::move(outcome)));
}

void bus::pushed(std::span<redis::node const> message) {
  if (message.size() < 4) return;
  auto const what = message[1].value;
  if (what == "message") received(message[2].value, message[3].value);
  else if (what == "subscribe" || what == "unsubscribe") confirmed(message[2].value);
}

void bus::confirmed(std::string_view channel_name) {
  if (!channel_name.starts_with(room_prefix_)) return;
  auto const found = rooms_.find(channel_name.substr(room_prefix_.size()));
  if (found == rooms_.end()) return;
  auto& c = found->second;
  if (c.unconfirmed > 0) --c.unconfirmed;
  if (c.unconfirmed > 0) return;
  for (auto const& w : std::exchange(c.waiting, {})) {
    if (--w->missing == 0) finish(*w, {});
  }
  if (c.workers == 0) rooms_.erase(found);
}

void bus::received(std::string_view channel_name, std::string_view payload) {
  std::string_view room;
  std::uint64_t to = ~std::uint64_t{0};
  if (channel_name.starts_with(room_prefix_)) {
    room = channel_name.substr(room_prefix_.size());
    auto const found = rooms_.find(room);
    if (found == rooms_.end()) return;
    to = found->second.workers;
  } else if (channel_name != instance_channel_) {
    return;
  }
  auto parsed = parse_bus_message(room, payload);
  if (!parsed) {
    log::warn("bus.unreadable", {{"channel", channel_name}, {"bytes", payload.size()}});
    return;
  }
  auto const message = std::make_shared<bus_message const>(std::move(*parsed));
  for (std::size_t i = 0; i < batches_.size(); ++i) {
    if (to >> i & 1) batches_[i].push_back(message);
  }
}

void bus::flush() {
  for (std::size_t i = 0; i < batches_.size(); ++i) {
    if (!batches_[i].empty()) sinks_[i](std::exchange(batches_[i], {}));
  }
}

void bus::state_changed(bool up) {
  connected_ = up;
  if (!up) {
    for (auto& [name, c] : rooms_) {
      c.unconfirmed = 0;
      for (auto const& w : std::exchange(c.waiting, {})) finish(*w, fail(errc::not_connected, "the bus lost its connection to Redis"));
    }
    std::erase_if(rooms_, [](auto const& entry) { return entry.second.workers == 0; });
    return;
  }
  // A new connection knows nothing: everything that is wanted is asked for again, in one command per thousand.
  client_.send(redis::request{"SUBSCRIBE", instance_channel_});
  auto next = rooms_.begin();
  while (next != rooms_.end()) {
    std::vector<std::string> names;
    for (; next != rooms_.end() && names.size() < 1000; ++next) {
      ++next->second.unconfirmed;
      names.push_back(room_prefix_ + next->first);
    }
    redis::request subscribe;
    subscribe.begin(1 + names.size()).arg("SUBSCRIBE");
    for (auto const& name : names) subscribe.arg(name);
    client_.send(subscribe);
  }
}

void bus::expire() {
  auto const now = std::chrono::steady_clock::now();
  while (!deadlines_.empty() && (deadlines_.front().first <= now || deadlines_.front().second.expired())) {
    if (auto const w = deadlines_.front().second.lock()) finish(*w, fail(errc::timeout, "Redis did not confirm a subscription in time"));
    deadlines_.pop_front();
  }
  if (deadlines_.empty()) return;
  deadline_.expires_at(deadlines_.front().first);
  deadline_.async_wait([this](boost::system::error_code ec) {
    if (!ec) expire();
  });
}

}  // namespace hiky::chat
