// SPDX-License-Identifier: Apache-2.0
// An event loop that a test drives: run(task) gives the value of the task, and throws its exceptions.
#pragma once
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/async.hpp"

namespace support {

class loop {
 public:
  hiky::asio::any_io_executor executor() { return io_.get_executor(); }

  // Throws if the task is not done within `patience`.
  template <class T>
  T run(hiky::task<T> what, std::chrono::milliseconds patience = std::chrono::seconds{20}) {
    struct outcome {
      std::optional<T> value;
      std::exception_ptr thrown;
      bool done = false;
    };
    auto const at_end = std::make_shared<outcome>();  // shared: a task that is too slow ends after this call
    hiky::asio::co_spawn(io_, keep(std::move(what), at_end), [at_end](std::exception_ptr e) {
      at_end->thrown = e;
      at_end->done = true;
    });
    auto const until = std::chrono::steady_clock::now() + patience;
    io_.restart();
    while (!at_end->done && io_.run_one_until(until) > 0) {}
    if (!at_end->done) throw std::runtime_error("the task did not finish in time");
    if (at_end->thrown) std::rethrow_exception(at_end->thrown);
    return std::move(*at_end->value);
  }

  // Lets the tasks under way go on for a while.
  void run_for(std::chrono::milliseconds time) {
    io_.restart();
    io_.run_for(time);
  }

 private:
  template <class T, class Outcome>
  static hiky::task<> keep(hiky::task<T> what, std::shared_ptr<Outcome> in) {
    in->value.emplace(co_await std::move(what));
  }

  hiky::asio::io_context io_;
};

}  // namespace support
