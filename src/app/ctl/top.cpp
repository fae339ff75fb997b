// SPDX-License-Identifier: Apache-2.0
// Samples of the present, one after the other: users who are here, the work of Redis, and the rooms that talk most.
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <csignal>

#include "app/ctl/commands.hpp"
#include "app/ctl/top_sample.hpp"

namespace hiky::ctl {
namespace {

// A terminal that gives keys as they are pressed, and is given back as it was.
class raw_keys {
 public:
  raw_keys() {
    if (isatty(STDIN_FILENO) != 1 || tcgetattr(STDIN_FILENO, &before_) != 0) return;
    auto raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    changed_ = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  }
  ~raw_keys() {
    if (changed_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  raw_keys(raw_keys const&) = delete;
  raw_keys& operator=(raw_keys const&) = delete;
  bool on() const { return changed_; }

 private:
  termios before_{};
  bool changed_ = false;
};

class watcher {
 public:
  watcher(session& s, top_question how)
      : s_(s), how_(how), sampler_(s.ws), pause_(s.ws.executor()), signals_(s.ws.executor()), keys_(s.ws.executor()) {}

  task<result<void>> run() {
    raw_keys const raw;
    bool const live = s_.as == face::terminal && how_.samples != 1;
    if (live) listen(raw);
    auto before = co_await sampler_.take();
    if (!before) co_return std::unexpected(before.error());
    for (std::size_t shown = 0; going_ && (how_.samples == 0 || shown < how_.samples); ++shown) {
      pause_.expires_after(how_.interval);
      boost::system::error_code stopped;
      co_await pause_.async_wait(asio::redirect_error(use_task, stopped));
      if (!going_) break;
      auto now = co_await sampler_.take();
      if (!now) co_return std::unexpected(now.error());
      auto text = render(changes(*before, *now), s_.as);
      if (live) text = fmt::format("\x1b[H\x1b[J{}\nq ends\n", text);
      else if (shown > 0 && s_.as != face::json) text.insert(0, 1, '\n');
      going_ = s_.emit(text) && going_;
      before = std::move(now);
    }
    signals_.cancel();
    if (keys_.is_open()) keys_.release();
    co_return result<void>{};
  }

 private:
  void listen(raw_keys const& raw) {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    signals_.async_wait([this](boost::system::error_code ec, int) {
      if (!ec) end();
    });
    if (raw.on()) {
      keys_.assign(STDIN_FILENO);
      wait_for_key();
    }
  }
  void wait_for_key() {
    keys_.async_read_some(asio::buffer(&key_, 1), [this](boost::system::error_code ec, std::size_t) {
      if (ec) return;
      if (key_ == 'q' || key_ == 'Q') end();
      else wait_for_key();
    });
  }
  void end() {
    going_ = false;
    pause_.cancel();
  }

  session& s_;
  top_question how_;
  sampler sampler_;
  asio::steady_timer pause_;
  asio::signal_set signals_;
  asio::posix::stream_descriptor keys_;
  char key_ = 0;
  bool going_ = true;
};

}  // namespace

outcome top(session& s, top_question how) {
  watcher w{s, how};
  if (auto const watched = co_await w.run(); !watched) co_return std::unexpected(watched.error());
  co_return report{.streamed = true};
}

}  // namespace hiky::ctl
