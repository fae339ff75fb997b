// SPDX-License-Identifier: Apache-2.0
#include "redis/embedded.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

#include "base/log.hpp"

namespace hiky::redis {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto lock_patience = 10s;  // for the server of a daemon that was just killed to write its file and go
constexpr auto stop_patience = 10s;
constexpr auto restart_pause = 200ms;
constexpr auto longest_restart_pause = 5000ms;

// A lock on a file, held by the open descriptor: a child that inherits it holds it too. -1 when another process has it.
int lock_file(std::filesystem::path const& path) {
  int const fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  if (fd >= 0) ::close(fd);
  return -1;
}

std::string find_program(std::string_view name) {
  char const* const path = std::getenv("PATH");
  std::string_view rest = path ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    auto const end = rest.find(':');
    auto const candidate = std::string{rest.substr(0, end)} + "/" + std::string{name};
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace

struct embedded::child {
  child(asio::io_context& io, std::filesystem::path folder, std::string server)
      : data(std::move(folder)), program(std::move(server)), watch(io), timer(io) {}

  ~child() {
    for (int const fd : {owner_lock, server_lock}) {
      if (fd >= 0) ::close(fd);
    }
  }

  std::filesystem::path socket_path() const { return data / "redis.sock"; }

  result<void> spawn() {
    // Lists are mailboxes, pushed at one end and cut at the other: packed to 8 KB, as is usual, each push would move
    // all that the node holds. `ziplist` is Redis 6's word, which later ones know too.
    std::vector<std::string> const words{program,
                                         "--port",
                                         "0",
                                         "--unixsocket",
                                         socket_path(),
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
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (auto const& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    auto const parent = ::getpid();
    auto const id = ::fork();
    if (id < 0) return fail(errc::io, fmt::format("cannot start redis-server: {}", std::strerror(errno)));
    if (id == 0) {
      // Only async-signal-safe calls from here to exec. Its own session: Ctrl-C is for the daemon, which stops the
      // server itself.
      ::setsid();
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (::getppid() != parent) ::_exit(1);
      ::fcntl(server_lock, F_SETFD, 0);
      sigset_t none;
      ::sigemptyset(&none);
      ::sigprocmask(SIG_SETMASK, &none, nullptr);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    pid = id;
    started = std::chrono::steady_clock::now();
    int const descriptor = static_cast<int>(::syscall(SYS_pidfd_open, id, 0));
    if (descriptor < 0) {
      auto const why = errno;
      kill();  // unwatched, it would be missed by nobody, and the next one would find its place taken
      return fail(errc::io, fmt::format("cannot watch redis-server: {}", std::strerror(why)));
    }
    watch.assign(descriptor);
    watch.async_wait(asio::posix::descriptor_base::wait_read, [this](boost::system::error_code ec) {
      if (!ec) ended();
    });
    return {};
  }

  void kill() {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    pid = -1;
  }

  // Its socket appears a moment before it listens there.
  bool listens() {
    if (!std::filesystem::exists(socket_path())) return false;
    boost::system::error_code refused;
    asio::local::stream_protocol::socket{timer.get_executor()}.connect(socket_path().string(), refused);
    return !refused;
  }

  // What it still loads then is for the clients to wait for.
  result<void> wait_for_socket() {
    auto const until = std::chrono::steady_clock::now() + stop_patience;
    while (!listens()) {
      bool const gone = ::waitpid(pid, nullptr, WNOHANG) == pid;
      if (gone || std::chrono::steady_clock::now() > until) {
        stopping = true;
        if (gone) pid = -1;
        else kill();
        return fail(errc::io,
                    fmt::format("redis-server did not start; its log says why: {}", (data / "redis.log").string()));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    return {};
  }

  void ended() {
    int status = 0;
    ::waitpid(pid, &status, 0);
    boost::system::error_code ignored;
    watch.close(ignored);
    pid = -1;
    if (stopping) return;
    // Long enough up means that whatever killed it was not its start.
    pause = std::chrono::steady_clock::now() - started > 10s
                ? restart_pause
                : std::min(pause * 2, std::chrono::milliseconds{longest_restart_pause});
    log::error("redis.died", {{"status", WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                                                             : fmt::format("exit {}", WEXITSTATUS(status))},
                              {"log", (data / "redis.log").string()},
                              {"restart_ms", pause.count()}});
    restart_later();
  }

  void restart_later() {
    timer.expires_after(pause);
    timer.async_wait([this](boost::system::error_code ec) {
      if (ec || stopping) return;
      auto const up = spawn();
      if (up) return;
      pause = std::min(pause * 2, std::chrono::milliseconds{longest_restart_pause});
      log::error("redis.not_restarted", {{"reason", up.error().text}, {"restart_ms", pause.count()}});
      restart_later();
    });
  }

  std::filesystem::path data;
  std::string program;
  asio::posix::stream_descriptor watch;
  asio::steady_timer timer;
  int owner_lock = -1, server_lock = -1;
  pid_t pid = -1;
  std::chrono::steady_clock::time_point started;
  std::chrono::milliseconds pause{restart_pause};
  bool stopping = false;
};

embedded::embedded(std::unique_ptr<child> c) : child_(std::move(c)) {}
embedded::~embedded() { stop(); }

result<std::unique_ptr<embedded>> embedded::start(asio::io_context& io, std::filesystem::path data) {
  std::error_code ec;
  data = std::filesystem::absolute(data, ec);
  std::filesystem::create_directories(data, ec);
  if (ec)
    return fail(errc::io, fmt::format("cannot make the data folder {}: {}; choose another with --data", data.string(),
                                      ec.message()));
  ::chmod(data.c_str(), 0700);
  auto program = find_program("redis-server");
  if (program.empty()) {
    return fail(errc::not_found,
                "redis-server is not in PATH: install it (Debian: apt-get install redis-server), or use a running one "
                "with --redis URL");
  }
  auto c = std::make_unique<child>(io, data, std::move(program));
  if (c->socket_path().string().size() > 107) {
    return fail(
        errc::invalid_argument,
        fmt::format("the path {} is longer than the 107 bytes Linux allows for a socket; choose a shorter --data",
                    c->socket_path().string()));
  }
  c->owner_lock = lock_file(data / "hikyd.lock");
  if (c->owner_lock < 0) {
    return fail(
        errc::conflict,
        fmt::format(
            "the data folder {} is in use by another hikyd; stop that one, or choose another folder with --data",
            data.string()));
  }
  auto const until = std::chrono::steady_clock::now() + lock_patience;
  while ((c->server_lock = lock_file(data / "redis.lock")) < 0) {
    if (std::chrono::steady_clock::now() > until) {
      return fail(errc::conflict,
                  fmt::format("an earlier redis-server still runs in {} and does not end; stop it, then start again",
                              data.string()));
    }
    std::this_thread::sleep_for(20ms);
  }
  std::filesystem::remove(c->socket_path(), ec);  // what a killed server left behind
  if (auto const up = c->spawn(); !up) return std::unexpected(up.error());
  if (auto const up = c->wait_for_socket(); !up) return std::unexpected(up.error());
  return std::unique_ptr<embedded>{new embedded{std::move(c)}};
}

address embedded::where() const {
  address out;
  out.unix_path = child_->socket_path();
  return out;
}

pid_t embedded::pid() const { return child_->pid; }

void embedded::stop() {
  if (std::exchange(child_->stopping, true) || child_->pid < 0) return;
  ::kill(child_->pid, SIGTERM);
  auto const until = std::chrono::steady_clock::now() + stop_patience;
  int status = 0;
  while (::waitpid(child_->pid, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > until) {
      log::error("redis.killed", {{"reason", "it did not stop in time"}});
      child_->kill();
      break;
    }
    std::this_thread::sleep_for(5ms);
  }
  child_->pid = -1;
}

}  // namespace hiky::redis
