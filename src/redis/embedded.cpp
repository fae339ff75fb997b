// SPDX-License-Identifier: Apache-2.0
#include "redis/embedded.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "redis/leftover_server.hpp"
#include "redis/server_process.hpp"

namespace hiky::redis {

using namespace std::chrono_literals;

namespace {

// For the server of a daemon that was just killed to write its file and go; then it is told again, killed, given up.
constexpr auto until_told = 2s, until_killed = 10s, lock_patience = 15s;

// A lock on a file, held by the open descriptor: a child that inherits it holds it too.
class file_lock {
 public:
  file_lock() = default;
  file_lock(file_lock const&) = delete;
  file_lock& operator=(file_lock const&) = delete;
  ~file_lock() {
    if (fd_ >= 0) ::close(fd_);
  }

  // False when another process has it.
  bool take(std::filesystem::path const& path) {
    int const fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) == 0) fd_ = fd;
    else if (fd >= 0) ::close(fd);
    return fd_ >= 0;
  }
  int descriptor() const { return fd_; }

 private:
  int fd_ = -1;
};

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

// Makes the folder, and refuses one whose path is too long for a socket.
result<std::filesystem::path> made(std::filesystem::path data) {
  std::error_code ec;
  data = std::filesystem::absolute(data, ec);
  std::filesystem::create_directories(data, ec);
  if (ec)
    return fail(errc::io, fmt::format("cannot make the data folder {}: {}; choose another with --data", data.string(),
                                      ec.message()));
  ::chmod(data.c_str(), 0700);
  auto const socket = server_process::socket_in(data).string();
  if (socket.size() > 107) {
    return fail(
        errc::invalid_argument,
        fmt::format("the path {} is longer than the 107 bytes Linux allows for a socket; choose a shorter --data",
                    socket));
  }
  return data;
}

}  // namespace

struct embedded::server {
  std::filesystem::path data;
  file_lock owner, running;  // this process owns the folder; a redis-server runs in it
  std::unique_ptr<server_process> process;
};

// A script keeps a server from ending, perhaps for ever. A kill costs no more than a power cut, and none else uses it.
result<void> embedded::await_end_of_earlier(server& s) {
  auto const lock = s.data / "redis.lock";
  auto const begin = std::chrono::steady_clock::now();
  bool told = false, killed = false;
  while (!s.running.take(lock)) {
    auto const waited = std::chrono::steady_clock::now() - begin;
    if (waited > lock_patience) {
      return fail(errc::conflict,
                  fmt::format("an earlier redis-server still runs in {} and does not end; stop it, then start again",
                              s.data.string()));
    }
    if (waited > until_told && !std::exchange(told, true)) signal_leftovers(lock, SIGTERM);
    if (waited > until_killed && !std::exchange(killed, true) && signal_leftovers(lock, SIGKILL) > 0)
      log::warn("redis.killed", {{"reason", "the redis-server of an earlier daemon did not end"}});
    std::this_thread::sleep_for(20ms);
  }
  return {};
}

embedded::embedded(std::unique_ptr<server> s) : server_(std::move(s)) {}
embedded::~embedded() { stop(); }

result<std::unique_ptr<embedded>> embedded::start(boost::asio::io_context& io, std::filesystem::path data) {
  auto s = std::make_unique<server>();
  auto folder = made(std::move(data));
  if (!folder) return std::unexpected(folder.error());
  s->data = std::move(*folder);
  auto program = find_program("redis-server");
  if (program.empty()) {
    return fail(errc::not_found,
                "redis-server is not in PATH: install it (Debian: apt-get install redis-server), or use a running one "
                "with --redis URL");
  }
  if (!s->owner.take(s->data / "hikyd.lock")) {
    return fail(
        errc::conflict,
        fmt::format(
            "the data folder {} is in use by another hikyd; stop that one, or choose another folder with --data",
            s->data.string()));
  }
  if (auto const alone = await_end_of_earlier(*s); !alone) return std::unexpected(alone.error());
  std::error_code ignored;
  std::filesystem::remove(server_process::socket_in(s->data), ignored);  // a killed server left it behind
  s->process = std::make_unique<server_process>(io, s->data, std::move(program), s->running.descriptor());
  if (auto const up = s->process->spawn(); !up) return std::unexpected(up.error());
  if (auto const up = s->process->wait_for_socket(); !up) return std::unexpected(up.error());
  return std::unique_ptr<embedded>{new embedded{std::move(s)}};
}

address embedded::where() const {
  address out;
  out.unix_path = server_process::socket_in(server_->data);
  return out;
}

pid_t embedded::pid() const { return server_->process->pid(); }
void embedded::stop() { server_->process->stop(); }

}  // namespace hiky::redis
