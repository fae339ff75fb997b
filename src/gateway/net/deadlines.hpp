// SPDX-License-Identifier: Apache-2.0
// The times at which connections are due, without a timer each: one queue per kind, since all waits of a
// kind are equally long. A connection waits for one thing at a time; the entry lives inside it and leaves the queue
// with it.
#pragma once
#include <boost/intrusive/list.hpp>

#include <array>
#include <chrono>
#include <cstdint>

namespace hiky::gateway {

enum class wait_for : std::uint8_t {
  identity,   // registers, or is closed with 4408
  next_ping,  // is pinged
  pong,       // answers the ping, or is dropped
  goodbye,    // finishes the close handshake, or is dropped
};

struct deadline_times {
  std::chrono::milliseconds identity{10'000}, next_ping{25'000}, pong{10'000}, goodbye{5'000};
};

struct deadline_entry : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  std::uint32_t due_ms = 0;  // on the queues' clock; wraps after 49 days, compared as a difference
};

class deadlines {
 public:
  explicit deadlines(deadline_times const& times)
      : lengths_{static_cast<std::uint32_t>(times.identity.count()),
                 static_cast<std::uint32_t>(times.next_ping.count()), static_cast<std::uint32_t>(times.pong.count()),
                 static_cast<std::uint32_t>(times.goodbye.count())} {}

  // `e` waits for `what` from now on, and for nothing else.
  void set(deadline_entry& e, wait_for what, std::uint32_t now_ms) {
    e.unlink();
    e.due_ms = now_ms + lengths_[static_cast<std::size_t>(what)];
    queues_[static_cast<std::size_t>(what)].push_back(e);
  }

  // Takes out all that is due and calls expired(entry, what) for each; `expired` may set and end entries.
  template <class Expired>
  void tick(std::uint32_t now_ms, Expired expired) {
    for (std::size_t i = 0; i < queues_.size(); ++i) {
      while (!queues_[i].empty() && static_cast<std::int32_t>(queues_[i].front().due_ms - now_ms) <= 0) {
        auto& e = queues_[i].front();
        e.unlink();
        expired(e, static_cast<wait_for>(i));
      }
    }
  }

  template <class Visit>
  void each(Visit visit) {
    for (auto& q : queues_) {
      for (auto& e : q) visit(e);
    }
  }

 private:
  using queue = boost::intrusive::list<deadline_entry, boost::intrusive::constant_time_size<false>>;
  std::array<queue, 4> queues_;
  std::array<std::uint32_t, 4> lengths_;
};

}  // namespace hiky::gateway
