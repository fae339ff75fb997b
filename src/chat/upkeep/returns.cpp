// SPDX-License-Identifier: Apache-2.0
#include "chat/upkeep/returns.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <utility>

#include "base/log.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;

namespace {

constexpr auto collected_for = 250ms;
constexpr std::size_t rooms_at_once = 2000;  // of all users in one script; holds Redis up for a millisecond or two
constexpr int tries = 20;
constexpr auto retry = 500ms;

}  // namespace

void returns::add(user_id user, std::vector<room_id> rooms) {
  if (rooms.empty()) return;
  waiting_.push_back({std::move(user), std::move(rooms)});
  if (!std::exchange(telling_, true)) asio::co_spawn(ex_, tell(), asio::detached);
}

task<> returns::tell() {
  while (!waiting_.empty()) {
    asio::steady_timer pause{ex_, collected_for};
    co_await pause.async_wait(use_task);
    std::vector<state::returned_user> some;
    std::size_t rooms = 0;
    for (auto& one : std::exchange(waiting_, {})) {
      rooms += one.rooms.size();
      some.push_back(std::move(one));
      if (rooms < rooms_at_once) continue;
      co_await tell_some(std::exchange(some, {}));
      rooms = 0;
    }
    if (!some.empty()) co_await tell_some(std::move(some));
  }
  telling_ = false;
}

// Tried for a while. The script reads the state when it runs, so that a late announcement is still true.
task<> returns::tell_some(std::vector<state::returned_user> some) {
  auto told = co_await store_.members.announce_back(some);
  asio::steady_timer pause{ex_};
  for (int n = 1; !told && is_transient(told.error()) && n < tries; ++n) {
    pause.expires_after(retry);
    co_await pause.async_wait(use_task);
    told = co_await store_.members.announce_back(some);
  }
  if (!told)
    log::warn("announcement.failed", {{"users", some.size()}, {"online", true}, {"reason", told.error().text}});
}

}  // namespace hiky::chat
