// SPDX-License-Identifier: Apache-2.0
#include "support/still_loop.hpp"

#include <time.h>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <atomic>
#include <thread>

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

namespace {

constexpr system_clock::time_point first_moment = std::chrono::sys_days{std::chrono::January / 31 / 2026} + 12h;
constexpr auto patience = 20s;

// Zero: time passes as usual.
std::atomic<std::int64_t> steady_ns{0}, system_ns{0};

nanoseconds read_clock(clockid_t which) {
  timespec now{};
  ::clock_gettime(which, &now);
  return std::chrono::seconds{now.tv_sec} + nanoseconds{now.tv_nsec};
}

nanoseconds now_of(std::atomic<std::int64_t> const& stopped_at, clockid_t which) {
  auto const ns = stopped_at.load(std::memory_order_relaxed);
  return ns != 0 ? nanoseconds{ns} : read_clock(which);
}

}  // namespace

// The linker takes these before the C++ library's: the program under test asks the clock everywhere, and so do Asio's
// timers. A clock handed to each class would say the same in forty places.
steady_clock::time_point steady_clock::now() noexcept { return time_point{now_of(steady_ns, CLOCK_MONOTONIC)}; }
system_clock::time_point system_clock::now() noexcept {
  return time_point{std::chrono::duration_cast<duration>(now_of(system_ns, CLOCK_REALTIME))};
}

namespace support {

still_loop::still_loop() {
  if (steady_ns != 0) throw std::logic_error("time stands already");
  steady_ns = read_clock(CLOCK_MONOTONIC).count();
  system_ns = std::chrono::duration_cast<nanoseconds>(first_moment.time_since_epoch()).count();
}

still_loop::~still_loop() { steady_ns = system_ns = 0; }

void still_loop::settle() {
  io_.restart();
  // The kernel knows nothing of our time. A timer that was due before all others makes Asio look at the clock.
  boost::asio::steady_timer due{io_, steady_clock::time_point::min()};
  due.async_wait([](boost::system::error_code) {});
  while (io_.poll() > 0) {}
}

void still_loop::pass(std::chrono::milliseconds length, int steps) {
  auto const step = std::clamp<std::chrono::milliseconds>(length / steps, 1ms, 1000ms);
  settle();
  for (auto left = length; left > 0ms; left -= step) {
    auto const next = std::chrono::duration_cast<nanoseconds>(std::min(left, step)).count();
    steady_ns += next;
    system_ns += next;
    settle();
  }
}

void still_loop::until(std::function<bool()> const& it_is_so) {
  auto const end = read_clock(CLOCK_MONOTONIC) + patience;
  for (settle(); !it_is_so(); settle()) {
    if (read_clock(CLOCK_MONOTONIC) > end) throw std::runtime_error("it did not come to be so");
    std::this_thread::yield();
  }
}

}  // namespace support
