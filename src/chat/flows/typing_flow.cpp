// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/typing_flow.hpp"

#include "base/clock.hpp"
#include "base/log.hpp"
#include "chat/requests/spawn.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

// A little more than the mark's life in Redis, so that it has mostly ended by then.
constexpr auto mark_margin = 50ms;
constexpr auto patience = std::chrono::seconds{state::typing_life_s} + mark_margin;
constexpr int most_tries = 120;

std::string key_of(user_id const& user, room_id const& room) { return user.str() + '\n' + room.str(); }

}  // namespace

typing_flow::typing_flow(asio::any_io_executor executor, state::store& store, data_losses const& losses, answers& out,
                         flow_limits const& limits, counters& count)
    : ex_(std::move(executor)),
      store_(store),
      losses_(losses),
      answers_(out),
      limits_(limits),
      count_(count),
      timer_(ex_) {}

void typing_flow::forget(user_id const& user, room_id const& room) { marks_.erase(key_of(user, room)); }

void typing_flow::change(session& s, set_typing t) {
  // Typing is only a hint, so a request over the rate is dropped without an answer. But the end of a mark that was
  // begun here is always told.
  bool const ends = !t.on && marks_.contains(key_of(s.user, t.room));
  if (!ends && !s.typing_rate.mine().take(limits_.typing_per_s, limits_.typing_burst, now_ms()))
    return count_.rate_limited[static_cast<std::size_t>(rate_limit::typing)].add();
  count_.typing_in.add();
  if (t.on) {
    auto const when = steady_clock::now() + patience;
    marks_[key_of(s.user, t.room)] = when;
    endings_.push_back({when, s.user, t.room, losses_.count()});
    if (endings_.size() == 1) end_due();
  } else {
    forget(s.user, t.room);
  }
  spawn(ex_, change_in_redis(&s, std::move(t)));
}

task<> typing_flow::change_in_redis(session_ptr s, set_typing t) {
  auto const done =
      co_await store_.typing.change(s->user, t.room, t.on ? state::typing_change::on : state::typing_change::off);
  if (!done) answers_.refuse(*s, std::nullopt, done.error());
}

void typing_flow::end_due() {
  auto const now = steady_clock::now();
  while (!endings_.empty() && endings_.front().when <= now) {
    auto due = std::move(endings_.front());
    endings_.pop_front();
    auto const newest = marks_.find(key_of(due.user, due.room));
    if (newest == marks_.end() || newest->second != due.when) continue;
    marks_.erase(newest);
    spawn(ex_, end(std::move(due)));
  }
  if (endings_.empty()) return;
  timer_.expires_at(endings_.front().when);
  timer_.async_wait([this](boost::system::error_code ec) {
    if (!ec) end_due();
  });
}

// Tried while Redis is away, and while the mark lives there: Redis may have made the mark long after the client asked
// for it, or another connection of the user has renewed it. If this process ends before the mark does, the janitor of
// any instance ends the mark.
task<> typing_flow::end(ending due) {
  asio::steady_timer pause{ex_};
  for (int tries = 0; tries < most_tries;) {
    auto const left = co_await store_.typing.change(
        due.user, due.room, due.losses == losses_.count() ? state::typing_change::expired : state::typing_change::lost);
    if (left && left->count() == 0) co_return;
    if (!left && (!is_transient(left.error()) || ++tries == most_tries)) {
      log::warn("typing.not_ended",
                {{"user", due.user.str()}, {"room", due.room.str()}, {"reason", left.error().text}});
      co_return;
    }
    pause.expires_after(left ? *left + mark_margin : 500ms);
    co_await pause.async_wait(use_task);
    if (marks_.contains(key_of(due.user, due.room))) co_return;  // begun anew here: the newer mark's end is awaited
  }
}

}  // namespace hiky::chat
