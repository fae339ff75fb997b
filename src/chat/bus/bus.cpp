// SPDX-License-Identifier: Apache-2.0
#include "chat/bus/bus.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>

#include "base/log.hpp"

namespace hiky::chat {

bus::bus(redis::client& connection, instance_id instance, std::chrono::milliseconds gate_patience)
    : ex_(connection.executor()),
      client_(connection),
      log_(connection, connection.where().database, {}),
      names_(connection.where().database),
      instance_channel_(names_.of_instance(instance)),
      canary_(connection, instance_channel_),
      inboxes_(ex_, gate_patience),
      deadline_(ex_) {
  client_.on_push([this](std::span<redis::node const> m) { pushed(m); }, [this] { inboxes_.flush(); });
  client_.on_state([this](bool up) { state_changed(up); });
}

void bus::spawn(task<> work) {
  asio::co_spawn(ex_, std::move(work), [](std::exception_ptr bug) {
    if (!bug) return;
    try {
      std::rethrow_exception(bug);
    } catch (std::exception const& e) {
      log::error("bus.failed", {{"reason", e.what()}});
    }
  });
}

void bus::start() {
  canary_.start();
  spawn(canary_.watch());
}

task<result<void>> bus::subscribe(std::size_t worker, std::vector<room_id> rooms) {
  co_return co_await asio::async_initiate<asio::use_awaitable_t<> const, void(result<void>)>(
      [this, worker, rooms = std::move(rooms)](auto handler) mutable {
        asio::dispatch(ex_, [this, worker, rooms = std::move(rooms), then = done{std::move(handler)}]() mutable {
          subscribe_here(worker, rooms, {}, std::move(then));
        });
      },
      use_task);
}

task<> bus::begin_subscribing(std::size_t worker, std::vector<room_id> rooms,
                              std::vector<state::message_place> places) {
  co_await asio::co_spawn(
      ex_,
      [](bus& self, std::size_t who, std::vector<room_id> const& all,
         std::vector<state::message_place> const& from) -> task<> {
        self.subscribe_here(who, all, from, [](result<void> const&) {});
        co_return;
      }(*this, worker, rooms, places),
      use_task);
}

void bus::unsubscribe(std::size_t worker, room_id room) {
  asio::dispatch(ex_, [this, worker, room = std::move(room)] { unsubscribe_here(worker, room.str()); });
}

task<bool> bus::catch_up(std::size_t worker) {
  co_return co_await asio::co_spawn(
      ex_,
      [](bus& self, std::size_t which) -> task<bool> {
        // Redis answers behind the pushes that it has written before, and what a worker is given reaches it in order.
        auto const answered = co_await self.client_.exec_each(redis::request{"PING"});
        self.inboxes_.flush();
        co_return answered&& self.inboxes_.is_open(which);
      }(*this, worker),
      use_task);
}

void bus::pushed(std::span<redis::node const> message) {
  inboxes_.read_began();
  if (message.size() < 4) return;
  auto const what = message[1].value;
  std::string_view const channel_name = message[2].value;
  if (what == "message") return received(channel_name, message[3].value);
  if (what != "subscribe" && what != "unsubscribe") return;
  if (channel_name == instance_channel_) inboxes_.interrupted();
  else if (auto const room = names_.room_in(channel_name)) confirmed(*room);
}

void bus::received(std::string_view channel_name, std::string_view payload) {
  if (auto const room = names_.room_in(channel_name)) received_of_room(*room, payload);
  else if (channel_name == instance_channel_) received_of_instance(payload);
}

void bus::received_of_room(std::string_view room, std::string_view payload) {
  auto const found = rooms_.find(room);
  if (found == rooms_.end() || found->second.workers.empty()) return;
  auto& c = found->second;
  auto parsed = parse_bus_message(room, payload);
  if (!parsed) return unreadable(names_.of_room(room), payload);
  auto m = std::make_shared<bus_message const>(std::move(*parsed));
  if (std::holds_alternative<notice::message>(*m)) take_in_order(room, c, std::move(m));
  else inboxes_.put(c.workers, m);
}

void bus::received_of_instance(std::string_view payload) {
  auto parsed = parse_bus_message({}, payload);
  if (!parsed) return unreadable(instance_channel_, payload);
  if (std::holds_alternative<notice::canary>(*parsed)) return canary_.came(payload);
  inboxes_.put_all(std::make_shared<bus_message const>(std::move(*parsed)));
}

void bus::unreadable(std::string_view channel_name, std::string_view payload) const {
  log::warn("bus.unreadable", {{"channel", channel_name}, {"bytes", payload.size()}});
}

void bus::state_changed(bool up) {
  connected_ = up;
  ++connection_;
  if (!up) {
    inboxes_.connection_lost();
    return subscription_lost();
  }
  client_.send(redis::request{"SUBSCRIBE", instance_channel_});
  subscribe_anew();
}

}  // namespace hiky::chat
