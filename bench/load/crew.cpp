// SPDX-License-Identifier: Apache-2.0
#include "crew.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <optional>

#include <fmt/format.h>

#include "rounds.hpp"
#include "talk.hpp"

namespace hiky::load {
namespace {

constexpr std::string_view open_step = "open", talk_step = "talk ";

// One message of the control connection; none at its end.
std::optional<std::string> receive(int control) {
  std::array<char, 8192> buffer;
  ssize_t const got = recv(control, buffer.data(), buffer.size(), 0);
  return got > 0 ? std::optional(std::string(buffer.data(), static_cast<std::size_t>(got))) : std::nullopt;
}

bool waits(int control) {
  pollfd one{control, POLLIN, 0};
  return poll(&one, 1, 0) > 0;
}

outcome do_step(class talk& chat, std::string const& step, double rate) {
  outcome answer;
  if (step == open_step) {
    chat.open("many");
  } else {
    chat.clear();
    std::uint64_t const heard_before = chat.book().heard();
    std::int64_t const own_before = cpu_ns(0);
    chat.play(rate, std::strtod(step.c_str() + talk_step.size(), nullptr));
    chat.drain();
    answer.set("heard", static_cast<double>(chat.book().heard() - heard_before));
    answer.set("own_ns", static_cast<double>(cpu_ns(0) - own_before));
    answer.set("p50_ms", chat.one_way().quantile_ms(0.5));
    answer.set("p99_ms", chat.one_way().quantile_ms(0.99));
    answer.set("late_ms", static_cast<double>(chat.lateness()) / 1e6);
    answer.failure = chat.book().discrepancy();
  }
  failed(answer, chat.crowd());
  return answer;
}

// The whole life of a process: steps come as messages, an answer goes back for each. Between steps it goes on reading,
// or the server would take its users for gone.
void serve(int control, run const& what, std::size_t users, std::size_t room_size) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  class talk chat(what, users, room_size);
  for (;;) {
    chat.listen([&] { return waits(control); });
    auto const step = receive(control);
    if (!step) return;
    std::string const answer = to_line(do_step(chat, *step, what.set.rate));
    ::send(control, answer.data(), std::min<std::size_t>(answer.size(), 8192), MSG_NOSIGNAL);
  }
}

}  // namespace

crew::crew(run const& what, std::size_t users, std::size_t room_size) {
  std::size_t const count = what.instances.size();
  for (std::size_t i = 0; i < count; ++i) {
    int control[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) != 0) break;
    pid_t const process = fork();
    if (process == 0) {
      run one = what;
      one.to = what.instances[i];
      one.set.rate /= static_cast<double>(count);
      serve(control[1], one, users / count + (i < users % count ? 1 : 0), room_size);
      _exit(0);
    }
    close(control[1]);
    workers_.push_back({process, control[0]});
  }
}

// The control connection is shut down, not only closed: later processes have inherited it.
crew::~crew() {
  for (worker const& one : workers_) shutdown(one.control, SHUT_RDWR);
  for (worker const& one : workers_) {
    close(one.control);
    if (one.process > 0) waitpid(one.process, nullptr, 0);
  }
}

bool crew::talk(double seconds) { return order(fmt::format("{}{}", talk_step, seconds)); }

bool crew::order(std::string_view step) {
  answers_.clear();
  for (worker const& one : workers_) ::send(one.control, step.data(), step.size(), MSG_NOSIGNAL);
  for (worker const& one : workers_) {
    auto const line = receive(one.control);
    auto answer = line ? from_line(*line) : std::nullopt;
    if (!answer) {
      answer.emplace();
      answer->failure = "a process of the load generator has ended";
    }
    if (failure_.empty()) failure_ = answer->failure;
    answers_.push_back(std::move(*answer));
  }
  return failure_.empty();
}

double crew::sum(std::string_view figure) const {
  double all = 0;
  for (outcome const& one : answers_) all += one.get(figure).value_or(0);
  return all;
}

double crew::most(std::string_view figure) const {
  double all = 0;
  for (outcome const& one : answers_) all = std::max(all, one.get(figure).value_or(0));
  return all;
}

double crew::p50_ms() const {
  std::vector<double> all;
  all.reserve(answers_.size());
  for (outcome const& one : answers_) all.push_back(one.get("p50_ms").value_or(0));
  return median(std::move(all));
}
double crew::p99_ms() const { return most("p99_ms"); }
double crew::late_ms() const { return most("late_ms"); }

}  // namespace hiky::load
