// SPDX-License-Identifier: Apache-2.0
#include "chat/upkeep/janitor.hpp"

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.hpp"
#include "redis/login.hpp"
#include "state/chat/write_probe.hpp"

namespace hiky::chat {

namespace {
constexpr std::size_t batch_size = 8;  // connections undone at once: Redis serves others in between
constexpr std::size_t announced_at_once = 100;
constexpr std::size_t typing_ended_at_once = 100;
constexpr std::chrono::milliseconds typing_overdue{1'000};
constexpr std::int64_t claim_ms = 15'000;  // then another instance announces what this one began
constexpr int taken_for_good =
    3;  // writes in a row: a Redis at the limit of its memory takes one write and refuses the next
constexpr std::chrono::seconds goodbye{2};  // that an end waits for announcements under way
}  // namespace

janitor::janitor(redis::client& redis, state::store& store, instance_id own, lease_times times, effects on)
    : redis_(redis),
      ex_(redis.executor()),
      store_(store),
      own_(std::move(own)),
      times_(times),
      on_(std::move(on)),
      announcing_(ex_) {}

task<result<void>> janitor::begin(bool sole_owner) {
  std::vector<instance_id> ended{own_};
  if (sole_owner) {
    auto others = co_await store_.lists.instances();
    if (!others) co_return std::unexpected(others.error());
    ended = std::move(*others);
  }
  for (auto const& instance : ended) {
    auto const swept = co_await sweep(instance);
    if (!swept) co_return std::unexpected(swept.error());
  }
  auto const lease = co_await renew(true);
  if (!lease) co_return std::unexpected(lease.error());
  renewed();
  co_return result<void>{};
}

task<result<state::lease_renewal>> janitor::renew(bool begin) {
  if (begin) co_await on_.lost();
  co_return co_await store_.leases.renew(own_, times_.lease, begin);
}

void janitor::renewed() {
  count_.renewals.fetch_add(1, std::memory_order_relaxed);
  count_.renewed_at_ns = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds{1};
}

// Redis is asked every second, also when no client needs it.
task<> janitor::see_whether_writable() {
  auto const written = co_await state::probe_write(redis_);
  if (!written && state::is_refusal(written.error())) {
    taken_ = 0;
    if (refusal()) co_return;
    auto reason = written.error().text + std::string{redis::hint(written.error().text)};
    log::warn("redis.refuses_writes",
              {{"reason", reason},
               {"now", fmt::format("what is stored can be read; clients get `{}`",
                                   refuses_writes(written.error()) ? "unavailable" : "internal")}});
    std::lock_guard const held{refusal_lock_};
    refusal_ = std::move(reason);
  } else if (written && refusal() && ++taken_ >= taken_for_good) {
    log::warn("redis.takes_writes", {{"now", "all is as before"}});
    std::lock_guard const held{refusal_lock_};
    refusal_.reset();
  }
}

std::optional<std::string> janitor::refusal() const {
  std::lock_guard const held{refusal_lock_};
  return refusal_;
}

task<> janitor::run() {
  asio::steady_timer pause{ex_};
  bool forgotten = false;  // Redis has lost or undone what this instance holds
  while (running_) {
    pause.expires_after(times_.tick);
    co_await pause.async_wait(use_task);
    auto lease = co_await renew(forgotten);
    if (!running_) co_return;  // a lease that begins now would be behind the end
    if (lease && lease->own == state::lease_state::lost && !std::exchange(forgotten, true))
      lease = co_await renew(true);
    if (!running_) co_return;
    if (lease || lease.error().code == errc::server_error)
      co_await see_whether_writable();  // otherwise Redis is away, and nothing is known
    if (!running_) co_return;
    if (!lease) {
      count_.failures.fetch_add(1, std::memory_order_relaxed);
      if (!is_transient(lease.error()))
        log::error("lease.not_renewed", {{"instance", own_.str()}, {"reason", lease.error().text}});
      continue;
    }
    renewed();
    if (lease->own == state::lease_state::being_swept) {
      // Another instance undoes our connections because we were silent. It would undo connections that we assert now,
      // too.
      forgotten = true;
    } else if (std::exchange(forgotten, false)) {
      count_.losses.fetch_add(1, std::memory_order_relaxed);
      log::warn("lease.lost", {{"instance", own_.str()},
                               {"reason", "silent for too long, or Redis lost its data"},
                               {"now", "asserting all connections again"}});
      on_.assert_again();
    }
    co_await sweep_expired(lease->expired);
    co_await announce_due();
    co_await end_typing();
  }
}

void janitor::stop() {
  running_ = false;
  announcing_.cancel();
}

void janitor::expect_announcement(std::chrono::milliseconds grace) {
  if (!running_ || std::exchange(expecting_, true)) return;
  announcing_.expires_after(grace + std::chrono::milliseconds{2});
  announcing_.async_wait([this](boost::system::error_code ec) {
    expecting_ = false;
    if (!ec) asio::co_spawn(ex_, announce_due(), asio::detached);
  });
}

task<> janitor::end() {
  // Friends would hear late of an absence that is claimed here.
  asio::steady_timer pause{ex_};
  for (auto const until = std::chrono::steady_clock::now() + goodbye;
       announcing_now_ > 0 && std::chrono::steady_clock::now() < until;) {
    pause.expires_after(std::chrono::milliseconds{5});
    co_await pause.async_wait(use_task);
  }
  auto const left = co_await store_.leases.give_up(own_);
  if (!left) log::warn("lease.not_given_up", {{"instance", own_.str()}, {"reason", left.error().text}});
  else if (*left > 0) {
    log::warn("lease.given_up_early", {{"instance", own_.str()},
                                       {"connections", *left},
                                       {"now", "other instances, or the next start under this name, end them"}});
  }
}

task<> janitor::sweep_expired(std::vector<instance_id> expired) {
  for (auto const& instance : expired) {
    auto const mine = co_await store_.leases.take(instance, times_.lease);
    if (!mine) log::warn("instance.not_swept", {{"instance", instance.str()}, {"reason", mine.error().text}});
    if (!mine || !*mine) continue;
    auto const swept = co_await sweep(instance);
    // Not done: the patience of its sweep ends, and the instance is found again.
    if (!swept) log::warn("instance.not_swept", {{"instance", instance.str()}, {"reason", swept.error().text}});
  }
}

task<> janitor::announce_due() {
  ++announcing_now_;
  co_await announce_claimed();
  --announcing_now_;
}

task<> janitor::announce_claimed() {
  while (running_) {
    auto const due = co_await store_.announcements.take_due(announced_at_once, claim_ms);
    if (!due) {
      if (!is_transient(due.error())) log::error("announcement.failed", {{"reason", due.error().text}});
      co_return;
    }
    std::vector<state::due_announcement> told;
    for (auto const& d : *due) {
      if (co_await on_.tell_friends(d.user, false)) told.push_back(d);
    }
    if (!told.empty()) {
      auto const back = co_await store_.announcements.remove(std::move(told));
      if (!back) co_return;  // announced again when the claims end
      for (auto const& user : *back) co_await on_.tell_friends(user, true);
    }
    if (due->size() < announced_at_once) co_return;
  }
}

// Marks of instances that are gone. A living instance is given a second to end its marks itself.
task<> janitor::end_typing() {
  for (;;) {
    auto const ended = co_await store_.typing.sweep(typing_ended_at_once, typing_overdue);
    if (!ended && !is_transient(ended.error())) log::error("typing.not_swept", {{"reason", ended.error().text}});
    if (!ended || *ended < typing_ended_at_once) co_return;
  }
}

task<result<std::size_t>> janitor::sweep(instance_id ended) {
  auto const left_behind = co_await store_.lists.of_instance(ended);
  if (!left_behind) co_return std::unexpected(left_behind.error());
  auto const lease_end = co_await store_.leases.end_of(ended);
  if (!lease_end) co_return std::unexpected(lease_end.error());
  // The instance lived until a lease's length before the end of its lease. Pongs confirmed its messages up to some time
  // before that.
  state::unsure_mail unsure;
  if (*lease_end) unsure.since_ms = **lease_end - (times_.lease + times_.unconfirmed).count();
  std::optional<error> failed;
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): all of a batch is awaited below
  auto const undo = [&](connection_id connection, user_id user) -> task<> {
    auto const left = co_await store_.connections.remove(connection, ended, user, unsure);
    if (!left) failed = left.error();
  };
  for (std::size_t begin = 0; begin < left_behind->size(); begin += batch_size) {
    std::vector<decltype(asio::co_spawn(ex_, undo({}, {}), asio::deferred))> batch;
    for (std::size_t i = begin; i < std::min(begin + batch_size, left_behind->size()); ++i) {
      auto const& [connection, user] = (*left_behind)[i];
      batch.push_back(asio::co_spawn(ex_, undo(connection, user), asio::deferred));
    }
    co_await asio::experimental::make_parallel_group(std::move(batch))
        .async_wait(asio::experimental::wait_for_all(), use_task);
    if (failed) co_return std::unexpected(*failed);
    if (begin + batch_size < left_behind->size() && ended != own_) {
      if (auto const more = co_await store_.leases.take(ended, times_.lease, true); !more)
        co_return std::unexpected(more.error());
    }
  }
  if (auto const gone = co_await store_.leases.forget(ended); !gone) co_return std::unexpected(gone.error());
  if (!left_behind->empty()) {
    count_.sweeps.fetch_add(1, std::memory_order_relaxed);
    count_.swept_connections.fetch_add(left_behind->size(), std::memory_order_relaxed);
    log::info("instance.swept", {{"instance", ended.str()}, {"connections", left_behind->size()}});
  }
  co_return left_behind->size();
}

}  // namespace hiky::chat
