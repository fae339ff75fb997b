// SPDX-License-Identifier: Apache-2.0
#include "chat/upkeep/activity.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/clock.hpp"
#include "base/log.hpp"

namespace hiky::chat {

namespace {
constexpr std::size_t told_at_once = 500;  // users per script: Redis serves nobody else meanwhile
}

activity::activity(asio::any_io_executor executor, state::store& store, std::chrono::milliseconds every)
    : ex_(std::move(executor)), store_(store), every_(every), timer_(ex_) {}

void activity::note(session& s) {
  if (std::exchange(s.seen.mine(), true)) return;
  seen_.emplace_back(&s);
  if (seen_.size() > 1) return;
  timer_.expires_after(every_);
  timer_.async_wait([this](boost::system::error_code ec) {
    if (!ec) asio::co_spawn(ex_, tell(std::exchange(seen_, {})), asio::detached);
  });
}

// `lastSeen` is a hint: if Redis does not take it, the user's next frame brings a newer one.
task<> activity::tell(std::vector<session_ptr> seen) {
  std::vector<user_id> users;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    seen[i]->seen.mine() = false;
    if (seen[i]->registered) users.push_back(seen[i]->user);
    if (users.empty() || (users.size() < told_at_once && i + 1 < seen.size())) continue;
    auto const told = co_await store_.presence.seen(std::exchange(users, {}), iso8601_now());
    if (!told && !is_transient(told.error())) log::error("activity.not_told", {{"reason", told.error().text}});
  }
}

}  // namespace hiky::chat
