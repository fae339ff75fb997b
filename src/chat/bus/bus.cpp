// SPDX-License-Identifier: Apache-2.0
#include "chat/bus/bus.hpp"

#include <boost/asio/append.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <fmt/format.h>

#include <random>

#include "base/log.hpp"
#include "state/chat/keys.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;

namespace {

constexpr auto canary_interval = 1000ms;
constexpr auto canary_patience = 3500ms;
constexpr auto twin_patience = 2500ms;  // within which a living process is heard

}  // namespace

bus::bus(redis::client& connection, instance_id instance, std::chrono::milliseconds gate_patience)
    : ex_(connection.executor()),
      client_(connection),
      log_(connection, connection.where().database, {}),
      room_prefix_(state::keys::room_channels(connection.where().database)),
      instance_channel_(state::keys::instance_channels(connection.where().database) + instance.str()),
      canary_(fmt::format("c {:x}\n", std::random_device{}())),
      deadline_(ex_),
      gate_patience_(gate_patience),
      gate_deadline_(ex_) {
  client_.on_push([this](std::span<redis::node const> m) { pushed(m); }, [this] { flush(); });
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

void bus::add_worker(sink to) {
  sinks_.push_back(std::move(to));
  batches_.emplace_back();
}

void bus::start() {
  running_ = true;
  spawn(watch());
}

void bus::stop() { running_ = false; }

task<result<void>> bus::listen(std::size_t worker, std::vector<room_id> rooms) {
  co_return co_await asio::async_initiate<asio::use_awaitable_t<> const, void(result<void>)>(
      [this, worker, rooms = std::move(rooms)](auto handler) mutable {
        asio::dispatch(ex_, [this, worker, rooms = std::move(rooms), then = done{std::move(handler)}]() mutable {
          want(worker, rooms, {}, since::here, std::move(then));
        });
      },
      use_task);
}

task<> bus::begin_listening(std::size_t worker, std::vector<room_id> rooms, std::vector<state::message_place> places,
                            since which) {
  co_await asio::co_spawn(
      ex_,
      [](bus& self, std::size_t who, std::vector<room_id> const& all, std::vector<state::message_place> const& from,
         since what) -> task<> {
        self.want(who, all, from, what, [](result<void> const&) {});
        co_return;
      }(*this, worker, rooms, places, which),
      use_task);
}

void bus::ignore(std::size_t worker, room_id room) {
  asio::dispatch(ex_, [this, worker, room = std::move(room)] { unwant(worker, room.str()); });
}

task<bool> bus::catch_up(std::size_t worker) {
  co_return co_await asio::co_spawn(
      ex_,
      [](bus& self, std::size_t which) -> task<bool> {
        // Redis answers behind the pushes that it has written before, and what a worker is given reaches it in order.
        auto const answered = co_await self.client_.exec_each(redis::request{"PING"});
        self.flush();
        co_return answered && (self.gated_ >> which & 1) == 0;
      }(*this, worker),
      use_task);
}

// All that was said to this instance while nobody listened is lost, and rooms were left and entered.
void bus::begin_gated() {
  auto const again = std::make_shared<bus_message const>(bus_message{.kind = 'r', .seq = ++subscriptions_});
  if (subscriptions_ == 1) {  // there are no sessions yet
    for (auto& batch : batches_) batch.push_back(again);
    return;
  }
  flush();
  gated_ = ~std::uint64_t{0} >> (64 - std::max<std::size_t>(sinks_.size(), 1));
  auto const now = std::chrono::steady_clock::now();
  for (auto const& sink : sinks_) sink({again}, now);
  gate_deadline_.expires_after(gate_patience_);
  gate_deadline_.async_wait([this, generation = subscriptions_](boost::system::error_code ec) {
    // The next subscription closes the gates anew, perhaps while this is queued already.
    if (ec || !connected_ || generation != subscriptions_) return;
    for (std::size_t i = 0; i < sinks_.size(); ++i) {
      if ((gated_ >> i & 1) == 0) continue;
      log::warn("bus.gate_opened", {{"worker", i}, {"reason", "it did not compare its sessions with Redis in time"}});
      open_gate(i);
    }
  });
}

void bus::compared(std::size_t worker, std::uint64_t generation) {
  // Never within this call: the worker may be in the middle of what it was given.
  asio::post(ex_, [this, worker, generation] {
    if (generation == subscriptions_) open_gate(worker);
  });
}

void bus::open_gate(std::size_t worker) {
  gated_ &= ~(std::uint64_t{1} << worker);
  if (!batches_[worker].empty()) sinks_[worker](std::exchange(batches_[worker], {}), std::chrono::steady_clock::now());
}

task<bool> bus::has_twin() {
  auto const sent = co_await client_.exec(redis::request{"PUBLISH", instance_channel_, canary_});
  if (!sent || (*sent)[0].integer() <= 1) co_return false;
  // Somebody else listens, though perhaps only a connection of a dead process that Redis has not missed yet.
  asio::steady_timer pause{ex_};
  auto const until = std::chrono::steady_clock::now() + twin_patience;
  while (!twin_ && std::chrono::steady_clock::now() < until) {
    pause.expires_after(50ms);
    co_await pause.async_wait(use_task);
  }
  co_return twin_;
}

void bus::want(std::size_t worker, std::vector<room_id> const& rooms, std::vector<state::message_place> const& places,
               since which, done then) {
  auto const w = std::make_shared<waiter>(0, std::move(then));
  redis::request subscribe;
  std::vector<std::string_view> fresh;
  std::vector<std::pair<std::string, std::uint32_t>> unknown;
  for (std::size_t i = 0; i < rooms.size(); ++i) {
    auto const found = rooms_.try_emplace(rooms[i].str()).first;
    auto& c = found->second;
    bool const is_new = c.workers == 0;
    bool const comes = (c.workers >> worker & 1) == 0;
    c.workers |= std::uint64_t{1} << worker;
    if (is_new) c.life = ++last_life_;
    if (!places.empty() && (is_new || c.unconfirmed > 0)) c.order.begin_at(places[i]);
    if (which == since::place && comes && !is_new) c.order.came_late(worker, places[i], actions_);
    if (!connected_) {
      c.order.connection_lost();  // what it asks, it asks again when the subscription holds
      actions_.clear();
      continue;
    }
    perform(found->first, c);
    if (is_new) {
      ++c.unconfirmed;
      fresh.push_back(found->first);
      c.learning = !c.order.known();
      if (c.learning) unknown.emplace_back(found->first, c.life);
    }
    if (c.unconfirmed > 0 || c.learning) {
      ++w->missing;
      c.waiting.push_back(w);
    }
  }
  // The rooms are wanted all the same, until the worker ignores them: the next connection begins with them.
  if (!connected_) return finish(*w, fail(errc::not_connected, "no connection to Redis for the bus"));
  if (w->missing == 0) return finish(*w, {});
  if (!fresh.empty()) {
    subscribe.begin(1 + fresh.size()).arg("SUBSCRIBE");
    for (auto const room : fresh) subscribe.arg(room_prefix_ + std::string{room});
    client_.send(subscribe);
  }
  if (!unknown.empty()) spawn(learn_places(std::move(unknown)));
  deadlines_.emplace_back(std::chrono::steady_clock::now() + client_.where().deadline, w);
  if (deadlines_.size() == 1) expire();
}

void bus::unwant(std::size_t worker, std::string const& room) {
  auto const found = rooms_.find(room);
  if (found == rooms_.end()) return;
  auto& c = found->second;
  if ((c.workers >> worker & 1) == 0) return;
  c.workers &= ~(std::uint64_t{1} << worker);
  c.order.left(worker);
  // Messages that wait until the worker has compared its sessions are not for sessions that enter the room later.
  std::erase_if(batches_[worker], [&](auto const& m) { return m->room == room && (m->kind == 'm' || m->kind == 'g'); });
  if (c.workers != 0) return;
  if (!connected_) {
    rooms_.erase(found);
    return;
  }
  // Stays until Redis confirms, so that a SUBSCRIBE on its heels is told apart. Nothing is owed to anybody.
  c.order = {};
  c.life = ++last_life_;
  c.learning = false;
  ++c.unconfirmed;
  client_.send(redis::request{"UNSUBSCRIBE", room_prefix_ + room});
}

void bus::finish(waiter& w, result<void> outcome) {
  if (!w.then) return;
  // Back to the thread that asked; and never within this call, though it be our own thread: who is told may at once
  // want or ignore rooms, and our callers are walking through them.
  auto then = std::exchange(w.then, {});
  asio::post(ex_, [then = std::move(then), outcome = std::move(outcome)]() mutable {
    auto const home = asio::get_associated_executor(then);
    asio::dispatch(home, asio::append(std::move(then), std::move(outcome)));
  });
}

void bus::pushed(std::span<redis::node const> message) {
  if (!read_at_) read_at_ = std::chrono::steady_clock::now();
  if (message.size() < 4) return;
  auto const what = message[1].value;
  if (what == "message") received(message[2].value, message[3].value);
  else if (what == "subscribe" || what == "unsubscribe") confirmed(message[2].value);
}

void bus::confirmed(std::string_view channel_name) {
  if (channel_name == instance_channel_) {
    return begin_gated();
  }
  if (!channel_name.starts_with(room_prefix_)) return;
  auto const found = rooms_.find(channel_name.substr(room_prefix_.size()));
  if (found == rooms_.end()) return;
  auto& c = found->second;
  if (c.unconfirmed > 0) --c.unconfirmed;
  if (c.unconfirmed > 0) return;
  // Subscribed anew: what came while nobody listened is in the log.
  if (c.workers != 0) {
    c.order.subscribed(actions_);
    perform(found->first, c);
  }
  settle(c);
  if (c.workers == 0) rooms_.erase(found);
}

// Those who wait for the room are told once its subscription holds and its place is known: from then on a loss is
// noticed.
void bus::settle(channel& c) {
  if (c.unconfirmed > 0 || c.learning) return;
  for (auto const& w : std::exchange(c.waiting, {})) {
    if (--w->missing == 0) finish(*w, {});
  }
}

void bus::received(std::string_view channel_name, std::string_view payload) {
  std::string_view room;
  channel* c = nullptr;
  if (channel_name.starts_with(room_prefix_)) {
    room = channel_name.substr(room_prefix_.size());
    auto const found = rooms_.find(room);
    if (found == rooms_.end() || found->second.workers == 0) return;
    c = &found->second;
  } else if (channel_name != instance_channel_) {
    return;
  }
  auto parsed = parse_bus_message(room, payload);
  if (!parsed) {
    log::warn("bus.unreadable", {{"channel", channel_name}, {"bytes", payload.size()}});
    return;
  }
  if (parsed->kind == 'c' && payload != canary_) {
    // Each ends what the other holds: neither can be right.
    if (running_ && !twin_) {
      log::error("instance.twin", {{"channel", instance_channel_},
                                   {"reason", "another hikyd runs under the same --instance-id; stop one of them"}});
    }
    twin_ = true;
    return;
  }
  if (parsed->kind == 'c') {
    last_canary_ = std::chrono::steady_clock::now();
    lag_ns_ = (last_canary_ - canary_sent_).count();
    hears_ = true;
    return;
  }
  auto message = std::make_shared<bus_message>(std::move(*parsed));
  if (!c) {
    for (auto& batch : batches_) batch.push_back(message);
  } else if (message->kind == 'm') {
    received_message(room, *c, std::move(message));
  } else {
    hand_on(*c, std::move(message));
  }
}

// A PING shows that Redis answers; only a message that comes back shows that the subscription lives.
task<> bus::watch() {
  asio::steady_timer pause{ex_};
  last_canary_ = std::chrono::steady_clock::now();
  while (running_) {
    pause.expires_after(canary_interval);
    co_await pause.async_wait(use_task);
    canary_sent_ = std::chrono::steady_clock::now();
    auto const sent = co_await client_.exec(redis::request{"PUBLISH", instance_channel_, canary_});
    if (!running_) co_return;
    auto const now = std::chrono::steady_clock::now();
    if (!sent || !connected_) {
      last_canary_ = now;  // Redis is away, which others say
      continue;
    }
    if (now - last_canary_ < canary_patience) continue;
    hears_ = false;
    log::warn("bus.deaf", {{"reason", "canaries are published but do not come back"}, {"now", "subscribing anew"}});
    last_canary_ = now;
    client_.reconnect({errc::not_connected, "the subscription is deaf"});
  }
}

void bus::flush() {
  auto const read_at = read_at_ ? *read_at_ : std::chrono::steady_clock::now();
  read_at_.reset();
  for (std::size_t i = 0; i < batches_.size(); ++i) {
    if (!batches_[i].empty() && (gated_ >> i & 1) == 0) sinks_[i](std::exchange(batches_[i], {}), read_at);
  }
}

void bus::state_changed(bool up) {
  connected_ = up;
  ++connection_;
  if (!up) {
    for (auto& [name, c] : rooms_) {
      c.unconfirmed = 0;
      c.learning = false;
      c.order.connection_lost();
      for (auto const& w : std::exchange(c.waiting, {}))
        finish(*w, fail(errc::not_connected, "the bus lost its connection to Redis"));
    }
    std::erase_if(rooms_, [](auto const& entry) { return entry.second.workers == 0; });
    return;
  }
  // A new connection knows nothing: everything that is wanted is asked for again, in one command per thousand.
  client_.send(redis::request{"SUBSCRIBE", instance_channel_});
  auto next = rooms_.begin();
  while (next != rooms_.end()) {
    std::vector<std::string> names;
    std::vector<std::pair<std::string, std::uint32_t>> unknown;
    for (; next != rooms_.end() && names.size() < 1000; ++next) {
      auto& c = next->second;
      ++c.unconfirmed;
      c.learning = !c.order.known();
      if (c.learning) unknown.emplace_back(next->first, c.life);
      names.push_back(room_prefix_ + next->first);
    }
    redis::request subscribe;
    subscribe.begin(1 + names.size()).arg("SUBSCRIBE");
    for (auto const& name : names) subscribe.arg(name);
    client_.send(subscribe);
    if (!unknown.empty()) spawn(learn_places(std::move(unknown)));
  }
}

void bus::expire() {
  auto const now = std::chrono::steady_clock::now();
  while (!deadlines_.empty() && (deadlines_.front().first <= now || deadlines_.front().second.expired())) {
    if (auto const w = deadlines_.front().second.lock())
      finish(*w, fail(errc::timeout, "Redis did not confirm a subscription in time"));
    deadlines_.pop_front();
  }
  if (deadlines_.empty()) return;
  deadline_.expires_at(deadlines_.front().first);
  deadline_.async_wait([this](boost::system::error_code ec) {
    if (!ec) expire();
  });
}

}  // namespace hiky::chat
