// SPDX-License-Identifier: Apache-2.0
// The inbox of each worker: the messages of one read are handed over together, and after an interruption none
// before the worker has compared its sessions with Redis. Refuses to know Redis, rooms' orders, and what a message is,
// but for its room. Lives on the bus's thread; `compared` may be called from any.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/async.hpp"
#include "chat/bus/bus_message.hpp"

namespace hiky::chat {

// Some of a process's workers, by their numbers.
class worker_set {
 public:
  static constexpr std::size_t most = 64;

  void add(std::size_t worker) { bits_ |= std::uint64_t{1} << worker; }
  void remove(std::size_t worker) { bits_ &= ~(std::uint64_t{1} << worker); }
  bool contains(std::size_t worker) const { return (bits_ >> worker & 1) != 0; }
  bool empty() const { return bits_ == 0; }

 private:
  std::uint64_t bits_ = 0;
};

class inboxes {
 public:
  using message = std::shared_ptr<bus_message const>;
  using batch = std::vector<message>;
  // Called with what one read brought for the worker, and when that was.
  using sink = std::function<void(batch, std::chrono::steady_clock::time_point)>;

  // `patience`: how long a worker may take to compare its sessions.
  inboxes(asio::any_io_executor executor, std::chrono::milliseconds patience);

  void add(sink worker);

  // A read has begun, unless one is under way. Its messages are put, and `flush` hands them over at its end.
  void read_began();
  void put(worker_set const& workers, message const& m);
  void put_all(message const& m);
  // The worker is not subscribed to the room any more: messages that wait until it has compared its sessions are not
  // for sessions that enter the room later.
  void take_back(std::size_t worker, std::string_view room);
  void flush();

  // The subscription has begun, or has begun anew: all workers are told, and none is given more before it says
  // `compared` with this interruption's generation, or has taken too long. At the first time there are no sessions yet.
  void interrupted();
  void connection_lost();
  // An earlier generation opens nothing. From any thread.
  void compared(std::size_t worker, std::uint64_t generation);
  bool is_open(std::size_t worker) const { return !closed_.contains(worker); }

 private:
  void open(std::size_t worker);
  void give_up_waiting();

  asio::any_io_executor ex_;
  std::chrono::milliseconds patience_;
  asio::steady_timer deadline_;
  std::vector<sink> sinks_;
  std::vector<batch> batches_;
  std::optional<std::chrono::steady_clock::time_point> read_at_;  // of the batches that are being filled
  worker_set closed_;
  std::uint64_t generation_ = 0;  // how often the subscription has begun
  bool connected_ = false;
};

}  // namespace hiky::chat
