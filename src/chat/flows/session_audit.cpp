// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/session_audit.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "chat/flows/common.hpp"
#include "chat/flows/comparison.hpp"
#include "chat/requests/spawn.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t asked_at_once = 64;  // sessions in one question: Redis is held for a fraction of a millisecond
constexpr auto every = 60s;  // each session is compared
constexpr auto tick_length = 250ms;
constexpr auto turn_patience = 1s;  // for which all others wait for one session's turn, after an interruption
constexpr auto patience = 200ms;  // before a question that failed is asked again

}  // namespace

session_audit::session_audit(asio::any_io_executor executor, std::size_t worker, state::store& store, hub& here,
                             bus& channel, data_losses const& losses, doubts& doubtful)
    : ex_(std::move(executor)),
      worker_(worker),
      store_(store),
      hub_(here),
      bus_(channel),
      losses_(losses),
      doubts_(doubtful) {}

void session_audit::interrupted(std::uint64_t number) {
  interruption_ = number;
  spawn(ex_, compare_all(number));
}

void session_audit::tick() {
  if (!std::exchange(comparing_some_, true)) spawn(ex_, compare_some());
}

task<result<std::vector<session_audit::doubtful>>> session_audit::find_doubtful(std::span<session_ptr const> some) {
  std::vector<std::pair<user_id, connection_id>> which;
  which.reserve(some.size());
  std::vector<std::uint16_t> notices;
  for (auto const& s : some) {
    which.emplace_back(s->user, s->id);
    notices.push_back(*s->notices);
  }
  auto found = co_await store_.connections.compare(std::move(which));
  if (!found) co_return std::unexpected(found.error());
  std::vector<doubtful> out;
  for (std::size_t i = 0; i < some.size(); ++i) {
    auto const& s = some[i];
    if (s->gone || !s->registered) continue;
    if (!agrees(*s, found->seen[i])) out.push_back({s, found->seen[i].known, std::move(found->seen[i].rooms)});
    else if (!s->turn->busy && *s->notices == notices[i]) comparison::note_compared(*s, found->now_ms);
  }
  co_return out;
}

// Tried while Redis is away, until the bus is interrupted once more.
task<std::vector<session_audit::doubtful>> session_audit::find_all(std::uint64_t interruption) {
  asio::steady_timer pause{ex_};
  auto const all = hub_.registered_sessions();
  std::vector<doubtful> out;
  for (std::span<session_ptr const> left{all}; !left.empty() && interruption == interruption_;) {
    auto const some = left.first(std::min(asked_at_once, left.size()));
    auto found = co_await find_doubtful(some);
    if (!found && is_transient(found.error())) {
      pause.expires_after(patience);
      co_await pause.async_wait(use_task);
      continue;
    }
    if (!found) log::error("sessions.not_compared", {{"reason", found.error().text}});
    left = left.subspan(some.size());
    if (!found) continue;
    for (auto& one : *found) {
      doubts_.add(*one.who);
      out.push_back(std::move(one));
    }
  }
  co_return out;
}

task<> session_audit::compare_all(std::uint64_t interruption) {
  auto const found = co_await find_all(interruption);
  asio::steady_timer pause{ex_};
  auto const wrong = [](doubtful const& one) { return *one.who->doubted && !one.who->gone; };
  auto const until = steady_clock::now() + turn_patience;
  while (interruption == interruption_ && steady_clock::now() < until && std::ranges::any_of(found, wrong)) {
    pause.expires_after(5ms);
    co_await pause.async_wait(use_task);
  }
  // A session whose turn does not end, since its client takes nothing, must not keep the messages of the others back.
  // Nor may it get messages of rooms that are not its own.
  for (auto const& one : found) {
    if (!wrong(one) || !one.known || losses_.forgotten(*one.who))
      continue;  // a session that Redis is to be told of first keeps the rooms
    for (auto const& room : without(rooms_of(*one.who), one.rooms)) hub_.leave(*one.who, room);
  }
  bus_.compared(worker_, interruption);
}

// This tick's share of all.
task<> session_audit::compare_some() {
  auto const share = static_cast<double>(tick_length / 1ms) / static_cast<double>(every / 1ms);
  auto const all = hub_.some_sessions(round_, share);
  for (std::size_t i = 0; i < all.size(); i += asked_at_once) {
    auto const found = co_await find_doubtful(std::span{all}.subspan(i, std::min(asked_at_once, all.size() - i)));
    if (!found) break;  // Redis is away; the next round, or the end of the outage, makes this good
    for (auto const& one : *found) doubts_.add(*one.who);
  }
  comparing_some_ = false;
}

}  // namespace hiky::chat
