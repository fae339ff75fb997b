// SPDX-License-Identifier: Apache-2.0
#include "floor.hpp"

#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include "frame.hpp"
#include "processes.hpp"

namespace hiky::load {
namespace {

// Every frame that arrives is a delivery, because the frame may be of any dialect.
class silent_dialect final : public dialect {
 public:
  std::string greet(std::string_view) const override { return {}; }
  std::string join(std::string_view) const override { return {}; }
  std::string say(std::string_view, std::string_view, std::string_view) const override { return {}; }
  heard meaning(std::string_view) const override { return heard::delivery; }
};

dialect const& any_dialect() {
  static silent_dialect const speech;
  return speech;
}

// The sender's whole life. Control messages: a frame to use from now on, or one byte for a round; the end of the
// control connection ends it.
[[noreturn]] void send_rounds(int control, sockaddr_in to, std::size_t receivers) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Copies of the parent's sockets would keep its connections open after it has closed them.
  dup2(control, 3);
  close_range(4, ~0U, 0);
  std::vector<int> sockets;
  for (std::size_t i = 0; i < receivers; ++i) {
    int const fd = socket(AF_INET, SOCK_STREAM, 0);
    int const on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, reinterpret_cast<sockaddr const*>(&to), sizeof to) != 0) _exit(1);
    sockets.push_back(fd);
  }
  std::string message(1 << 16, '\0'), frame;
  for (;;) {
    ssize_t const got = recv(3, message.data(), message.size(), 0);
    if (got <= 0) _exit(0);
    if (got > 1) {
      frame.assign(message, 0, static_cast<std::size_t>(got));
      continue;
    }
    for (int const fd : sockets)
      if (::send(fd, frame.data(), frame.size(), MSG_NOSIGNAL | MSG_DONTWAIT) != static_cast<ssize_t>(frame.size()))
        _exit(1);
  }
}

}  // namespace

send_floor::send_floor(std::size_t receivers) : receivers_(receivers), readers_(endpoint{}, any_dialect()) {
  int control[2];
  sockaddr_in where{};
  int const listener = listen_on_loopback(where);
  if (listener < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) != 0) return;
  sender_ = fork();
  if (sender_ == 0) send_rounds(control[1], where, receivers);
  close(control[1]);
  control_ = control[0];
  timeval const patience{5, 0};
  setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  for (std::size_t i = 0; i < receivers && sender_ > 0; ++i) {
    int const fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) break;
    readers_.adopt(fd);
  }
  close(listener);
  readers_.on_delivery = [this](std::size_t, std::string_view) { ++arrived_; };
}

send_floor::~send_floor() {
  if (control_ >= 0) close(control_);
  if (sender_ > 0) waitpid(sender_, nullptr, 0);
}

void send_floor::load(std::string_view text) {
  std::string frame;
  append_server_frame(frame, opcode::text, text);
  ::send(control_, frame.data(), frame.size(), MSG_NOSIGNAL);
}

send_floor::slice send_floor::run(std::int64_t until) {
  if (readers_.size() < receivers_) return {};
  std::int64_t const used_before = cpu_ns(sender_);
  std::uint64_t sends = 0;
  while (now_ns() < until) {
    std::uint64_t const goal = arrived_ + receivers_;
    if (::send(control_, "r", 1, MSG_NOSIGNAL) != 1) return {};
    if (!readers_.run(now_ns() + 5 * ns_per_second, [&] { return arrived_ >= goal; })) return {};
    sends += receivers_;
  }
  return {sends, static_cast<double>(cpu_ns(sender_) - used_before) / 1e3 / static_cast<double>(sends)};
}

}  // namespace hiky::load
