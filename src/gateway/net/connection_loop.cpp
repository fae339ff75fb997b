// SPDX-License-Identifier: Apache-2.0
// The turns of a worker's loop, as its connections see them: what is queued leaves, deadlines pass.
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>

#include "base/clock.hpp"
#include "gateway/net/connection.hpp"

namespace hiky::gateway {

namespace {

constexpr std::size_t read_buffer_size = 16 * 1024;  // a turn's worth of one client, too
constexpr std::size_t outbox_in_need = 64 * 1024;

}  // namespace

connection_loop::connection_loop(asio::io_context& context, send_method method, decoder_limits limits,
                                 deadline_times times, std::size_t outbox, std::size_t compress_from,
                                 chat::counters& counts)
    : io(context),
      frames(limits),
      max_outbox(outbox),
      count(counts),
      read_buffer(read_buffer_size),
      waits(times),
      sender(method),
      deflate(compress_from, counts),
      inflate(counts),
      usual_outbox_(outbox) {}

void connection_loop::mark(connection& c) {
  if (c.is_marked()) return;
  c.set_marked(true);
  ready_.emplace_back(&c);
  if (ready_.size() == 1) asio::post(io, [this] { flush(); });
}

void connection_loop::send_all() {
  for (std::span<connection*> left{sending_now_}; !left.empty();) {
    auto const batch = sender.parcels(left.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      batch[i].socket = left[i]->native_handle();
      batch[i].count = left[i]->gather(batch[i].parts);
    }
    sender.send(batch);
    for (std::size_t i = 0; i < batch.size(); ++i) left[i]->sent(batch[i].taken);
    left = left.subspan(batch.size());
  }
}

void connection_loop::flush() {
  sending_.swap(ready_);
  sending_now_.clear();
  for (auto const& c : sending_) {
    c->set_marked(false);
    if (c->has_output()) sending_now_.push_back(c.get());
  }
  send_all();
  if (auto const since = std::exchange(measured_, std::nullopt)) {
    auto const now = std::chrono::steady_clock::now();
    count.fanout.observe(now - *since);
    for (auto const came : arrivals) count.delivery.observe(now - came);
    arrivals.clear();
  }
  sending_.clear();
}

void connection_loop::tick() {
  for (auto const& c : std::exchange(looked_at_later_, {})) c->look();
  waits.tick(now_ms(), [](deadline_entry& e, wait_for what) { static_cast<connection&>(e).expired(what); });
}

void connection_loop::relieve(bool pressed) {
  max_outbox = pressed ? std::min(usual_outbox_, outbox_in_need) : usual_outbox_;
  if (!pressed) return;
  waits.each([&](deadline_entry& e) {
    auto& c = static_cast<connection&>(e);
    if (c.queued() > max_outbox &&
        c.close_later(close_code::slow_consumer, "too slow while memory is short: reconnect and resume"))
      count.slow_closed.add();
  });
}

void connection_loop::drop_all() {
  std::vector<connection_ptr> all;
  waits.each([&](deadline_entry& e) { all.emplace_back(&static_cast<connection&>(e)); });
  for (auto const& c : all) c->drop();
}

}  // namespace hiky::gateway
