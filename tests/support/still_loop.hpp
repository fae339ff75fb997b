// SPDX-License-Identifier: Apache-2.0
// An event loop in which time stands still until the test moves it. While one lives, steady_clock and system_clock of
// the whole process are its own (the .cpp defines their now()): a wait of an hour takes no time, and a busy machine
// changes nothing. It begins at 2026-01-31T12:00:00Z. One at a time, on the test's thread.
#pragma once
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/async.hpp"

namespace support {

// The outcome of a task that was begun.
template <class T>
struct outcome {
  std::optional<T> value;
  bool done = false;
  std::exception_ptr thrown;
};
template <>
struct outcome<void> {
  bool done = false;
  std::exception_ptr thrown;
};

class still_loop {
 public:
  still_loop();
  ~still_loop();
  still_loop(still_loop const&) = delete;
  still_loop& operator=(still_loop const&) = delete;

  hiky::asio::any_io_executor executor() { return io_.get_executor(); }
  hiky::asio::io_context& io() { return io_; }

  // Does everything that can be done while time stands.
  void settle();
  // Lets time pass in steps, so that events happen in the order in which they are due.
  void pass(std::chrono::milliseconds length, int steps = 50);
  // Settles until `it_is_so`, because another thread works meanwhile (name lookups). Throws after 20 s of real time.
  void until(std::function<bool()> const& it_is_so);

  // Begins a task, and settles. The test looks at the outcome when it has done what the task waits for.
  template <class T>
  std::shared_ptr<outcome<T>> begin(hiky::task<T> what) {
    auto const out = std::make_shared<outcome<T>>();
    hiky::asio::co_spawn(io_, keep(std::move(what), out), [out](std::exception_ptr thrown) {
      out->thrown = std::move(thrown);
      out->done = true;
    });
    settle();
    return out;
  }
  // The value of the task. Throws the task's exception. Throws also if the task waits for something that the test has
  // not done.
  template <class T>
  T run(hiky::task<T> what) {
    auto const out = begin(std::move(what));
    if (!out->done) throw std::logic_error("the task waits, and nothing moves it");
    if (out->thrown) std::rethrow_exception(out->thrown);
    if constexpr (!std::is_void_v<T>) return std::move(*out->value);
  }

 private:
  template <class T>
  static hiky::task<> keep(hiky::task<T> what, std::shared_ptr<outcome<T>> in) {
    if constexpr (std::is_void_v<T>) co_await std::move(what);
    else in->value.emplace(co_await std::move(what));
  }

  hiky::asio::io_context io_;
};

}  // namespace support
