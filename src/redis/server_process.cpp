// SPDX-License-Identifier: Apache-2.0
#include "redis/server_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <boost/asio/local/stream_protocol.hpp>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.hpp"

namespace hiky::redis {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 10s;  // for its start, and for its stop
constexpr std::chrono::milliseconds restart_pause{200}, longest_restart_pause{5000};

// Lists are mailboxes, pushed at one end and cut at the other: packed to 8 KB, as is usual, each push would move all
// that the node holds. `ziplist` is Redis 6's word, which later ones know too.
std::vector<std::string> command_line(std::string const& program, std::filesystem::path const& data) {
  return {program,
          "--port",
          "0",
          "--unixsocket",
          server_process::socket_in(data),
          "--unixsocketperm",
          "700",
          "--dir",
          data,
          "--appendonly",
          "yes",
          "--appendfsync",
          "everysec",
          "--save",
          "",
          "--daemonize",
          "no",
          "--logfile",
          data / "redis.log",
          "--maxmemory-policy",
          "noeviction",
          "--list-max-ziplist-size",
          "4"};
}

// In the child, between fork and exec: only async-signal-safe calls. Its own session: Ctrl-C is for the daemon, which
// stops the server itself.
[[noreturn]] void become(char* const* words, pid_t parent, int lock) {
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);
  ::fcntl(lock, F_SETFD, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execv(words[0], words);
  ::_exit(127);
}

}  // namespace

server_process::server_process(asio::io_context& io, std::filesystem::path data, std::string program, int lock)
    : data_(std::move(data)),
      program_(std::move(program)),
      lock_(lock),
      watch_(io),
      timer_(io),
      pause_(restart_pause) {}

result<void> server_process::spawn() {
  auto const words = command_line(program_, data_);
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (auto const& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  auto const parent = ::getpid();
  auto const id = ::fork();
  if (id < 0) return fail(errc::io, fmt::format("cannot start redis-server: {}", std::strerror(errno)));
  if (id == 0) become(argv.data(), parent, lock_);
  pid_ = id;
  started_ = std::chrono::steady_clock::now();
  int const descriptor = static_cast<int>(::syscall(SYS_pidfd_open, id, 0));
  if (descriptor < 0) {
    auto const why = errno;
    kill();  // unwatched, it would be missed by nobody, and the next one would find its place taken
    return fail(errc::io, fmt::format("cannot watch redis-server: {}", std::strerror(why)));
  }
  watch_.assign(descriptor);
  watch_.async_wait(asio::posix::descriptor_base::wait_read, [this](boost::system::error_code ec) {
    if (!ec) ended();
  });
  return {};
}

void server_process::kill() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

// Its socket appears a moment before it listens there.
bool server_process::listens() {
  auto const path = socket_in(data_);
  if (!std::filesystem::exists(path)) return false;
  boost::system::error_code refused;
  asio::local::stream_protocol::socket{timer_.get_executor()}.connect(path.string(), refused);
  return !refused;
}

result<void> server_process::wait_for_socket() {
  auto const until = std::chrono::steady_clock::now() + patience;
  while (!listens()) {
    bool const gone = ::waitpid(pid_, nullptr, WNOHANG) == pid_;
    if (gone || std::chrono::steady_clock::now() > until) {
      stopping_ = true;
      if (gone) pid_ = -1;
      else kill();
      return fail(errc::io, fmt::format("redis-server did not start; its log says why: {}", log_file()));
    }
    std::this_thread::sleep_for(2ms);
  }
  return {};
}

void server_process::ended() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  boost::system::error_code ignored;
  watch_.close(ignored);
  pid_ = -1;
  if (stopping_) return;
  // Long enough up means that its start was not the cause of its death.
  pause_ =
      std::chrono::steady_clock::now() - started_ > 10s ? restart_pause : std::min(pause_ * 2, longest_restart_pause);
  log::error("redis.died", {{"status", WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                                                           : fmt::format("exit {}", WEXITSTATUS(status))},
                            {"log", log_file()},
                            {"restart_ms", pause_.count()}});
  restart_later();
}

void server_process::restart_later() {
  timer_.expires_after(pause_);
  timer_.async_wait([this](boost::system::error_code ec) {
    if (ec || stopping_) return;
    auto const up = spawn();
    if (up) return;
    pause_ = std::min(pause_ * 2, longest_restart_pause);
    log::error("redis.not_restarted", {{"reason", up.error().text}, {"restart_ms", pause_.count()}});
    restart_later();
  });
}

void server_process::stop() {
  if (std::exchange(stopping_, true) || pid_ < 0) return;
  ::kill(pid_, SIGTERM);
  auto const until = std::chrono::steady_clock::now() + patience;
  int status = 0;
  while (::waitpid(pid_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > until) {
      log::error("redis.killed", {{"reason", "it did not stop in time"}});
      kill();
      break;
    }
    std::this_thread::sleep_for(5ms);
  }
  pid_ = -1;
}

}  // namespace hiky::redis
