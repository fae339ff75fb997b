// SPDX-License-Identifier: Apache-2.0
#include "chat/upkeep/forgetter.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>

#include "base/log.hpp"

namespace hiky::chat {

namespace {
constexpr std::chrono::milliseconds between_steps{1'000};
constexpr std::size_t budget_of_a_step = 100;  // users and their rooms
constexpr std::chrono::hours between_complaints{1};

// Between two rounds over all users: after ninety days away, a day more or less does not matter.
std::chrono::milliseconds rest_of(std::chrono::seconds long_ago) {
  return std::clamp<std::chrono::milliseconds>(long_ago / 5000, between_steps, std::chrono::hours{1});
}
}  // namespace

forgetter::forgetter(redis::client& redis, state::members& members, std::chrono::seconds long_ago)
    : redis_(redis), absentees_(redis), members_(members), long_ago_(long_ago) {}

task<> forgetter::run() {
  asio::steady_timer pause{redis_.executor()};
  while (running_ && long_ago_.count() > 0) {
    pause.expires_after(at_end_ ? rest_of(long_ago_) : between_steps);
    co_await pause.async_wait(use_task);
    if (!running_) co_return;
    auto const users = users_.load(), memberships = memberships_.load();
    auto const done = co_await step();
    if (users_ != users || memberships_ != memberships) {
      log::info("users.forgotten", {{"users", users_ - users}, {"memberships", memberships_ - memberships}});
    }
    auto const now = std::chrono::steady_clock::now();
    if (done || is_transient(done.error()) || now < complain_from_) continue;
    complain_from_ = now + between_complaints;
    log::error("users.not_forgotten", {{"reason", done.error().text}});
  }
}

task<result<void>> forgetter::step() {
  auto const page = co_await absentees_.find(cursor_, long_ago_);
  if (!page) co_return std::unexpected(page.error());
  result<void> out{};
  auto budget = budget_of_a_step;
  for (auto const& user : page->users) {
    auto const gone = co_await forget(user, budget);
    if (!gone && is_transient(gone.error())) co_return gone;
    if (!gone) out = gone;  // a broken key of one user stops no other user
    if (budget > 0) continue;
    at_end_ = false;
    co_return out;  // the same are found again, less those who are gone
  }
  cursor_ = page->next;
  at_end_ = cursor_ == "0";
  co_return out;
}

// Memberships end as when a user leaves: the participants of the room are told.
task<result<void>> forgetter::forget(user_id user, std::size_t& budget) {
  auto const rooms = co_await absentees_.rooms(user, budget);
  if (!rooms) co_return std::unexpected(rooms.error());
  for (auto const& room : *rooms) {
    auto const left = co_await members_.leave(user, room);
    if (!left) co_return std::unexpected(left.error());
    --budget;
    if (*left) memberships_.fetch_add(1, std::memory_order_relaxed);
  }
  if (budget == 0) co_return result<void>{};
  --budget;
  auto const gone = co_await absentees_.forget(user);
  if (!gone) co_return std::unexpected(gone.error());
  if (*gone) users_.fetch_add(1, std::memory_order_relaxed);
  co_return result<void>{};
}

}  // namespace hiky::chat
