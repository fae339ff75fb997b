// SPDX-License-Identifier: Apache-2.0
#include "chat/bus/inboxes.hpp"

#include <boost/asio/post.hpp>

#include <utility>

#include "base/log.hpp"

namespace hiky::chat {

using std::chrono::steady_clock;

namespace {

// Whether the message belongs to the room's order: it counts for sessions that are in the room when it comes.
bool is_said_in(bus_message const& m, std::string_view room) {
  if (auto const* said = std::get_if<notice::message>(&m)) return said->room == room;
  auto const* lost = std::get_if<notice::gap>(&m);
  return lost && lost->room == room;
}

}  // namespace

inboxes::inboxes(asio::any_io_executor executor, std::chrono::milliseconds patience)
    : ex_(std::move(executor)), patience_(patience), deadline_(ex_) {}

void inboxes::add(sink worker) {
  sinks_.push_back(std::move(worker));
  batches_.emplace_back();
}

void inboxes::read_began() {
  if (!read_at_) read_at_ = steady_clock::now();
}

void inboxes::put(worker_set const& workers, message const& m) {
  for (std::size_t i = 0; i < batches_.size(); ++i) {
    if (workers.contains(i)) batches_[i].push_back(m);
  }
}

void inboxes::put_all(message const& m) {
  for (auto& batch : batches_) batch.push_back(m);
}

void inboxes::take_back(std::size_t worker, std::string_view room) {
  std::erase_if(batches_[worker], [&](message const& m) { return is_said_in(*m, room); });
}

void inboxes::flush() {
  auto const read_at = read_at_ ? *read_at_ : steady_clock::now();
  read_at_.reset();
  for (std::size_t i = 0; i < batches_.size(); ++i) {
    if (!batches_[i].empty() && is_open(i)) sinks_[i](std::exchange(batches_[i], {}), read_at);
  }
}

// All that was said to this instance while it was not subscribed is lost, and rooms were left and entered.
void inboxes::interrupted() {
  connected_ = true;
  auto const news = std::make_shared<bus_message const>(notice::interrupted{++generation_});
  if (generation_ == 1) return put_all(news);
  flush();
  auto const now = steady_clock::now();
  for (std::size_t i = 0; i < sinks_.size(); ++i) closed_.add(i);
  for (auto const& sink : sinks_) sink({news}, now);
  deadline_.expires_after(patience_);
  deadline_.async_wait([this, generation = generation_](boost::system::error_code ec) {
    // The next interruption closes all anew, perhaps while this is queued already.
    if (!ec && connected_ && generation == generation_) give_up_waiting();
  });
}

void inboxes::connection_lost() { connected_ = false; }

void inboxes::give_up_waiting() {
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    if (is_open(i)) continue;
    log::warn("bus.gate_opened", {{"worker", i}, {"reason", "it did not compare its sessions with Redis in time"}});
    open(i);
  }
}

void inboxes::compared(std::size_t worker, std::uint64_t generation) {
  // Never within this call: the worker may be in the middle of what it was given.
  asio::post(ex_, [this, worker, generation] {
    if (generation == generation_) open(worker);
  });
}

void inboxes::open(std::size_t worker) {
  closed_.remove(worker);
  if (!batches_[worker].empty()) sinks_[worker](std::exchange(batches_[worker], {}), steady_clock::now());
}

}  // namespace hiky::chat
