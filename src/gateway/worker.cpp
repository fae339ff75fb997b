// SPDX-License-Identifier: Apache-2.0
#include "gateway/worker.hpp"

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <random>

#include "base/log.hpp"

namespace hiky::gateway {

using namespace std::chrono_literals;

namespace {

constexpr auto look_whether_gone = 50ms;    // in a drain

redis::address directory_address(gateway_settings const& s) {
  auto where = s.redis;
  where.database = s.directory_database;
  return where;
}

// With the limits that others keep.
chat::flow_limits limits_of_flows(gateway_settings const& s) {
  auto out = s.flow;
  out.frame = s.frames.max_message;
  out.outbox = s.max_outbox;
  out.connections_per_user = s.connections_per_user;
  out.ping_every = s.times.next_ping;
  out.pong_within = s.times.pong;
  return out;
}

// 36 random bits in front of a counter: unique among all workers of all instances, and short enough for std::string to
// keep in place.
std::string random_prefix() {
  constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-";
  std::random_device random;
  std::string out;
  for (int i = 0; i < 6; ++i) out += digits[random() % digits.size()];
  return out += '.';
}

}  // namespace

worker::worker(gateway_settings const& settings, std::size_t index, gateway::metrics& numbers,
               gateway::admission& doors, gateway::api_limits& api, chat::user_rates& rates)
    : settings_(settings),
      index_(index),
      numbers_(numbers),
      doors_(doors),
      api_limits_(api),
      user_rates_(rates),
      io_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),  // other threads post to it, and touch nothing else
      redis_(io_.get_executor(), settings.redis),
      directory_redis_(io_.get_executor(), directory_address(settings)),
      store_(redis_, settings.redis.database, settings.room_log, settings.grace, settings.connections_per_user,
             settings.leases.lease),
      gate_(io_.get_executor(), settings.identity, settings.redis, count_.identity),
      people_(directory_redis_),
      door_(io_.get_executor(), settings.rooms, store_.members, people_, settings.redis, rates, count_),
      loop_(io_, settings.method, settings.frames, settings.times, settings.max_outbox, settings.compress_from, count_),
      connection_prefix_(random_prefix()) {
  loop_.tell_addresses = settings_.tell_addresses;
  numbers_.add_worker(count_,
                      {&directory_redis_.counts(), &redis_.counts(), door_.cache_counts(), gate_.redis_counts()});
}

worker::~worker() { join(); }

void worker::use(chat::bus& channel) {
  bus_ = &channel;
  flows_ = std::make_unique<chat::flows>(io_.get_executor(), index_, settings_.instance, store_, people_, gate_, door_,
                                         channel, user_rates_, count_, limits_of_flows(settings_));
  api_.emplace(api_context{.redis = redis_,
                           .store = store_,
                           .people = people_,
                           .hub = flows_->here(),
                           .limits = api_limits_,
                           .count = count_,
                           .keys = settings_.api_keys.get(),
                           .max_message = settings_.frames.max_message,
                           .room_log = settings_.room_log});
  channel.add_worker([this](chat::bus::batch messages, std::chrono::steady_clock::time_point read_at) {
    asio::dispatch(io_, [this, messages = std::move(messages), read_at] {
      flows_->deliver(messages, loop_.arrivals);
      loop_.measure_since(read_at);
    });
  });
}

void worker::run() {
  redis_.start();
  directory_redis_.start();
  asio::co_spawn(io_, tick(), asio::detached);
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), fmt::format("hikyd-{}", index_).c_str());
    loop_.sender.open();
    io_.run();
  });
}

void worker::join() {
  if (!thread_.joinable()) return;
  thread_.join();
  // Requests that still wait for Redis are answered while their clients are there.
  redis_.stop();
  directory_redis_.stop();
}

void worker::stop() { io_.stop(); }

connection_id worker::next_connection_id() {
  return connection_id{connection_prefix_ + fmt::format("{:x}", ++last_connection_)};
}

void worker::begin_audit(std::vector<std::string> prefixes) {
  asio::post(io_, [this, all = std::move(prefixes)]() mutable {
    chat::connection_audit::effects on{
        .holds = [this](connection_id const& c, user_id const& u) { return flows_->holds(c, u); },
        .undo = [this](connection_id c, user_id u,
                       std::int64_t since) { return flows_->undo(std::move(c), std::move(u), since); }};
    audit_ =
        std::make_unique<chat::connection_audit>(io_.get_executor(), store_.lists, settings_.instance,
                                                 chat::connection_names{connection_prefix_, std::move(all)},
                                                 settings_.leases.lease, settings_.leases.unconfirmed, std::move(on));
    spawn(audit_->run());
    spawn(flows_->keep_online(settings_.leases.lease / 3));
  });
}

void worker::assert_again(std::chrono::milliseconds spread) {
  flows_->assert_again(spread);
  if (audit_) audit_->ask();
}

task<> worker::tick() {
  asio::steady_timer timer{io_};
  for (;;) {
    timer.expires_after(250ms);
    co_await timer.async_wait(use_task);
    loop_.tick();
    flows_->tick();
    if (index_ == 0) {
      doors_.tick(std::chrono::steady_clock::now());
      log::tell_left_out();
    }
    loop_.relieve(doors_.under_pressure());
  }
}

void worker::spawn(task<> work) {
  asio::co_spawn(io_, std::move(work), [](std::exception_ptr bug) {
    if (!bug) return;
    try {
      std::rethrow_exception(bug);
    } catch (std::exception const& e) {
      log::error("http.failed", {{"reason", e.what()}});
    }
  });
}

void worker::drain(std::chrono::milliseconds spread, std::function<void()> done) {
  draining_ = true;
  asio::co_spawn(io_, say_goodbye(spread, std::move(done)), asio::detached);
}

task<> worker::say_goodbye(std::chrono::milliseconds spread, std::function<void()> done) {
  std::vector<connection_ptr> all;
  loop_.waits.each([&](deadline_entry& e) { all.emplace_back(&static_cast<connection&>(e)); });
  std::minstd_rand random{std::random_device{}()};
  std::ranges::shuffle(all, random);
  asio::steady_timer pause{io_};
  auto const begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < all.size(); ++i) {
    // Nobody waits for the turn of those who have gone by themselves.
    auto const turn = begin + spread * static_cast<long>(i) / static_cast<long>(all.size());
    for (auto now = begin; all[i]->is_open() && (now = std::chrono::steady_clock::now()) < turn;) {
      pause.expires_at(std::min(turn, now + look_whether_gone));
      co_await pause.async_wait(use_task);
    }
    if (!all[i]->is_open()) continue;
    auto goodbye = [c = all[i], why = fmt::format("reconnect in {}", 100 + random() % 900)](bool arrived) {
      if (arrived) c->close(close_code::going_away, why, true);
    };
    // First a receipt, so that hardly anything has to be queued as perhaps not received.
    if (all[i]->unconfirmed()) all[i]->after_pong(std::move(goodbye));
    else goodbye(true);
  }
  auto const patience = std::chrono::steady_clock::now() + 1000ms;
  while (std::ranges::any_of(all, &connection::is_open) && std::chrono::steady_clock::now() < patience) {
    pause.expires_after(10ms);
    co_await pause.async_wait(use_task);
  }
  for (auto const& c : all) c->close(close_code::going_away, "reconnect in 1000", true);
  all.clear();
  bool settled = co_await flows_->settled(5s);
  // An outage has ended while we waited: now Redis takes what it could not take before.
  if (!settled && redis_.connected()) settled = co_await flows_->settled(5s);
  if (!settled)
    log::warn("drain.incomplete",
              {{"reason", "Redis did not take every goodbye in time; other instances end the rest"}});
  // First politely; then whoever did not hang up is dropped. A connection must not outlive its worker.
  for (auto const wait : {2000ms, 1000ms}) {
    auto const until = std::chrono::steady_clock::now() + wait;
    while (count_.connections.get() > 0 && std::chrono::steady_clock::now() < until) {
      pause.expires_after(10ms);
      co_await pause.async_wait(use_task);
    }
    loop_.drop_all();
  }
  done();
}

}  // namespace hiky::gateway
