// SPDX-License-Identifier: Apache-2.0
#include "gateway/server.hpp"

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <atomic>
#include <future>
#include <latch>

namespace hiky::gateway {

using namespace std::chrono_literals;

namespace {
constexpr float questions_per_s = 20,
                question_burst = 200;  // of one user, to the application that says who may enter a room
// Of one user. A burst: all tabs of a browser that starts. More, for long, are tabs that connect again whenever they
// are replaced.
constexpr float replacements_per_s = 0.2F, replacement_burst = 20;
constexpr auto assertion_spread = 2000ms;  // over which connections are put into Redis again, so that it is not flooded

chat::user_rates::limits rates_of(chat::flow_limits const& flow) {
  return {{{flow.messages_per_s, flow.message_burst},
           {flow.requests_per_s, flow.request_burst},
           {flow.refusals_per_s, flow.refusal_burst},
           {questions_per_s, question_burst},
           {replacements_per_s, replacement_burst}}};
}
}  // namespace

server::server(gateway_settings settings)
    : settings_(std::move(settings)),
      admission_(settings_.admission),
      api_limits_(settings_.api),
      user_rates_(rates_of(settings_.flow)),
      metrics_(settings_.instance.str(), std::string{to_string(settings_.method)}) {
  for (std::size_t i = 0; i < settings_.workers; ++i)
    workers_.push_back(std::make_unique<worker>(settings_, i, metrics_, admission_, api_limits_, user_rates_));
  for (auto const& w : workers_) entrances_.push_back(std::make_unique<entrance>(*w));
  metrics_.watch(admission_);
  bus_ = std::make_unique<chat::bus>(workers_.front()->redis(), settings_.instance);
  for (auto const& w : workers_) w->use(*bus_);
  auto& first = *workers_.front();
  janitor_ = std::make_unique<chat::janitor>(
      first.redis(), first.store(), settings_.instance, settings_.leases,
      chat::janitor::effects{
          .tell_friends = [&first](user_id user,
                                   bool online) { return first.flows().announce(std::move(user), online); },
          .lost = [this] { return lost(); },
          .assert_again =
              [this] {
                for (auto const& w : workers_) asio::post(w->io(), [&w = *w] { w.assert_again(assertion_spread); });
              }});
  forgetter_ = std::make_unique<chat::forgetter>(first.redis(), first.store().members, settings_.forget_absent);
  metrics_.watch(*bus_, *janitor_, *forgetter_);
  for (auto const& w : workers_) {
    w->redis().on_other_data([&w = *w] { w.assert_again(assertion_spread); });
    w->belongs_to({.connected =
                       [this] {
                         return bus_->alive() &&
                                std::ranges::all_of(workers_, [](auto const& one) { return one->connected(); });
                       },
                   .refusal = [this] { return janitor_->refusal(); },
                   .when_all_answer = [this](std::function<void()> then) { when_all_answer(std::move(then)); }});
    w->flows().on_offline(
        [this, &io = first.io()] { asio::post(io, [this] { janitor_->expect_announcement(settings_.grace); }); });
  }
}

server::~server() {
  for (auto const& w : workers_) w->stop();
  for (auto const& w : workers_) w->join();
}

result<void> server::listen(std::vector<listen_address>& addresses) {
  for (auto& where : addresses) {
    if (auto const free = listener::check_free(where); !free) return free;
    // A Unix socket has one listener; the first worker hands its connections round.
    auto const shared = where.unix_path.empty();
    for (std::size_t i = 0; i < (shared ? workers_.size() : 1); ++i) {
      auto const fd = listener::open(where, i == 0);
      if (!fd) return std::unexpected(fd.error());
      auto accepted = [this, i, shared, by = where.to, next = std::size_t{0}](stream_socket s,
                                                                              peer_address from) mutable {
        if (shared) return entrances_[i]->adopt(std::move(s), from, by);
        auto const chosen = next++ % workers_.size();
        int const raw = s.release();
        asio::post(workers_[chosen]->io(), [&io = workers_[chosen]->io(), &to = *entrances_[chosen], raw, by] {
          to.adopt(stream_socket{io, asio::generic::stream_protocol{AF_UNIX, 0}, raw}, {}, by);
        });
      };
      listeners_.push_back(std::make_unique<listener>(workers_[i]->io(), *fd, std::move(accepted)));
    }
  }
  return {};
}

result<void> server::start(std::chrono::milliseconds patience) {
  for (auto const& w : workers_) w->run();
  running_ = true;
  auto const until = std::chrono::steady_clock::now() + patience;
  for (auto const& w : workers_) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    auto up = asio::co_spawn(w->io(), w->redis().wait_connected(std::max(left, 1ms)), asio::use_future).get();
    if (!up) return up;
  }
  while (!bus_->alive()) {
    if (std::chrono::steady_clock::now() > until)
      return fail(errc::not_connected, "the subscriber could not connect to Redis in time");
    std::this_thread::sleep_for(1ms);
  }
  auto& io = workers_.front()->io();
  if (asio::co_spawn(io, bus_->has_twin(), asio::use_future).get()) {
    return fail(
        errc::conflict,
        fmt::format("another hikyd runs as instance '{}' on this Redis; stop that one, or choose another --instance-id",
                    settings_.instance.str()));
  }
  asio::post(io, [this] { bus_->start(); });
  auto const begin = [&] { return asio::co_spawn(io, janitor_->begin(settings_.sole_owner), asio::use_future).get(); };
  auto clean = begin();
  // Redis may go away once more, in the middle of this.
  for (; !clean && is_transient(clean.error()) && std::chrono::steady_clock::now() < until; clean = begin())
    std::this_thread::sleep_for(200ms);
  if (!clean) return clean;
  asio::co_spawn(io, janitor_->run(), asio::detached);
  asio::co_spawn(io, forgetter_->run(), asio::detached);
  std::vector<std::string> prefixes;
  prefixes.reserve(workers_.size());
  for (auto const& w : workers_) prefixes.push_back(w->connection_prefix());
  for (auto const& w : workers_) w->begin_audit(w == workers_.front() ? prefixes : std::vector<std::string>{});
  for (auto const& l : listeners_) l->start();
  return {};
}

task<> server::lost() {
  for (auto const& w : workers_) {
    auto const tell = [](worker& one) -> task<> {
      one.flows().lost();
      co_return;
    };
    co_await asio::co_spawn(w->io(), tell(*w), use_task);
  }
}

void server::when_all_answer(std::function<void()> then) {
  auto const left = std::make_shared<std::atomic<std::size_t>>(workers_.size());
  for (auto const& w : workers_) {
    asio::post(w->io(), [left, then] {
      if (--*left == 0) then();
    });
  }
}

void server::drain(std::chrono::milliseconds spread) {
  if (!running_) return;
  for (auto const& l : listeners_) l->stop();
  std::latch gone{static_cast<std::ptrdiff_t>(workers_.size())};
  for (auto const& w : workers_) w->drain(spread, [&gone] { gone.count_down(); });
  gone.wait();
  auto& io = workers_.front()->io();
  asio::post(io, [this] {
    bus_->stop();
    janitor_->stop();
    forgetter_->stop();
  });
  asio::co_spawn(io, janitor_->end(), asio::use_future).get();
}

}  // namespace hiky::gateway
