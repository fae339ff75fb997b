// SPDX-License-Identifier: Apache-2.0
// Part of bus: which workers are subscribed to which rooms, and what Redis has confirmed of that.
#include <boost/asio/append.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include "chat/bus/bus.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t rooms_at_once = 1000;  // in one SUBSCRIBE
constexpr auto retry_pause = 200ms;

}  // namespace

void bus::subscribe_here(std::size_t worker, std::vector<room_id> const& rooms,
                         std::vector<state::message_place> const& places, done then) {
  auto const w = std::make_shared<waiter>(0, std::move(then));
  std::vector<std::string_view> fresh;
  unknown_rooms unknown;
  for (std::size_t i = 0; i < rooms.size(); ++i) {
    auto const found = rooms_.try_emplace(rooms[i].str()).first;
    auto& c = found->second;
    bool const is_new = c.workers.empty();
    c.workers.add(worker);
    if (is_new) c.life = ++last_life_;
    if (!places.empty() && (is_new || c.unconfirmed > 0)) c.order.begin_at(places[i]);
    if (!connected_) continue;
    if (is_new) {
      fresh.push_back(found->first);
      await_confirmation(c, found->first, unknown);
    }
    if (c.unconfirmed > 0 || c.learning) {
      ++w->missing;
      c.waiting.push_back(w);
    }
  }
  // The worker is subscribed all the same, until it unsubscribes: the next connection begins with these rooms.
  if (!connected_) return finish(*w, fail(errc::not_connected, "no connection to Redis for the bus"));
  if (w->missing == 0) return finish(*w, {});
  if (!fresh.empty()) send_subscribe(fresh, std::move(unknown));
  deadlines_.emplace_back(std::chrono::steady_clock::now() + client_.where().deadline, w);
  if (deadlines_.size() == 1) expire();
}

void bus::unsubscribe_here(std::size_t worker, std::string const& room) {
  auto const found = rooms_.find(room);
  if (found == rooms_.end()) return;
  auto& c = found->second;
  if (!c.workers.contains(worker)) return;
  c.workers.remove(worker);
  inboxes_.take_back(worker, room);
  if (!c.workers.empty()) return;
  if (!connected_) {
    rooms_.erase(found);
    return;
  }
  // Stays until Redis confirms, so that a SUBSCRIBE on its heels is told apart. Nothing is owed to anybody.
  c.order = {};
  c.life = ++last_life_;
  c.learning = false;
  ++c.unconfirmed;
  client_.send(redis::request{"UNSUBSCRIBE", names_.of_room(room)});
}

void bus::subscription_lost() {
  for (auto& [name, c] : rooms_) {
    c.unconfirmed = 0;
    c.learning = false;
    c.order.connection_lost();
    for (auto const& w : std::exchange(c.waiting, {}))
      finish(*w, fail(errc::not_connected, "the bus lost its connection to Redis"));
  }
  std::erase_if(rooms_, [](auto const& entry) { return entry.second.workers.empty(); });
}

// A new connection knows nothing: all rooms are asked for again.
void bus::subscribe_anew() {
  auto next = rooms_.begin();
  while (next != rooms_.end()) {
    std::vector<std::string_view> names;
    unknown_rooms unknown;
    for (; next != rooms_.end() && names.size() < rooms_at_once; ++next) {
      await_confirmation(next->second, next->first, unknown);
      names.push_back(next->first);
    }
    send_subscribe(names, std::move(unknown));
  }
}

void bus::await_confirmation(channel& c, std::string const& room, unknown_rooms& unknown) {
  ++c.unconfirmed;
  c.learning = !c.order.known();
  if (c.learning) unknown.emplace_back(room, c.life);
}

void bus::send_subscribe(std::vector<std::string_view> const& rooms, unknown_rooms unknown) {
  redis::request subscribe;
  subscribe.begin(1 + rooms.size()).arg("SUBSCRIBE");
  for (auto const room : rooms) subscribe.arg(names_.of_room(room));
  client_.send(subscribe);
  if (!unknown.empty()) spawn(learn_places(std::move(unknown)));
}

void bus::confirmed(std::string_view room) {
  auto const found = rooms_.find(room);
  if (found == rooms_.end()) return;
  auto& c = found->second;
  if (c.unconfirmed > 0) --c.unconfirmed;
  if (c.unconfirmed > 0) return;
  // Subscribed anew: what was said while nobody was subscribed is in the log.
  if (!c.workers.empty()) {
    c.order.subscribed(actions_);
    perform(found->first, c);
  }
  settle(c);
  if (c.workers.empty()) rooms_.erase(found);
}

// Callers that wait for the room are told once its subscription holds and its place is known: from then on a loss is
// noticed.
void bus::settle(channel& c) {
  if (c.unconfirmed > 0 || c.learning) return;
  for (auto const& w : std::exchange(c.waiting, {})) {
    if (--w->missing == 0) finish(*w, {});
  }
}

void bus::finish(waiter& w, result<void> outcome) {
  if (!w.then) return;
  // Back to the thread that asked; and never within this call, though it be our own thread: a caller that is told may
  // at once subscribe or unsubscribe, and we are walking through the rooms.
  auto then = std::exchange(w.then, {});
  asio::post(ex_, [then = std::move(then), outcome = std::move(outcome)]() mutable {
    auto const home = asio::get_associated_executor(then);
    asio::dispatch(home, asio::append(std::move(then), std::move(outcome)));
  });
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

// Where rooms stand that are being subscribed, so that a loss right afterwards is noticed too. Asked behind the
// SUBSCRIBE, on its connection: what is said after this answer comes as a push. One round trip for all.
task<> bus::learn_places(unknown_rooms rooms) {
  auto const connection = connection_;
  std::vector<room_id> names;
  for (auto const& [room, life] : rooms) names.emplace_back(room);
  for (;;) {
    auto const places = co_await log_.places(names);
    if (connection != connection_) co_return;  // the next one learns them
    if (!places) {
      co_await asio::steady_timer{ex_, retry_pause}.async_wait(use_task);
      if (connection != connection_) co_return;
      continue;
    }
    for (std::size_t i = 0; i < rooms.size(); ++i) {
      auto* c = find(rooms[i].first, rooms[i].second);
      if (!c) continue;
      // Also when nothing was ever said: then what is missed begins with the first. A head that is spoilt tells
      // nothing, and the first message does.
      if ((*places)[i]) c->order.begin_at(*(*places)[i]);
      c->learning = false;
      settle(*c);
    }
    co_return;
  }
}

}  // namespace hiky::chat
