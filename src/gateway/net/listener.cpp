// SPDX-License-Identifier: Apache-2.0
#include "gateway/net/listener.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/log.hpp"

namespace hiky::gateway {

using boost::system::error_code;
using namespace std::chrono_literals;

namespace {

constexpr int backlog = 4096;
constexpr int accepts_per_turn = 256;
constexpr auto pause_when_full = 100ms;
// Bytes that the kernel may hold for one connection each way. Left to itself it lets both grow to megabytes, for a
// client that does not read or that floods.
constexpr int socket_buffer = 256 * 1024;

std::string hint(int code, listen_address const& where) {
  if (code == EADDRINUSE) return "; another program listens there: choose another address with --listen";
  if (code == EACCES && where.unix_path.empty())
    return "; ports below 1024 need rights: choose a higher one with --listen";
  return {};
}

std::unexpected<error> refused(char const* step, listen_address const& where, int code) {
  return fail(errc::io,
              fmt::format("cannot {} {}: {}{}", step, where.to_string(), std::strerror(code), hint(code, where)));
}

// One line a second, for all workers: descriptors that run out do so for all at once, and each tries ten times a
// second.
void tell_failed(int code) {
  static std::atomic<std::int64_t> next_s{0};
  static std::atomic<std::uint64_t> times{0};
  times.fetch_add(1, std::memory_order_relaxed);
  auto const now = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::seconds{1};
  auto due = next_s.load(std::memory_order_relaxed);
  if (now < due || !next_s.compare_exchange_strong(due, now + 1)) return;
  log::error("accept.failed",
             {{"reason", std::strerror(code)}, {"times", times.exchange(0)}, {"retry_ms", pause_when_full.count()}});
}

// Whether what stands at a Unix socket's path is a socket that nobody listens to any more: a daemon that was killed
// leaves one behind.
bool is_abandoned(sockaddr_un const& where) {
  struct stat about{};
  if (::stat(where.sun_path, &about) != 0 || !S_ISSOCK(about.st_mode)) return false;
  int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  bool const refused =
      fd >= 0 && ::connect(fd, reinterpret_cast<sockaddr const*>(&where), sizeof where) < 0 && errno == ECONNREFUSED;
  if (fd >= 0) ::close(fd);
  return refused;
}

// Gives a Unix socket the group and mode that were asked for.
result<void> let_in(listen_address const& where) {
  if (!where.group.empty()) {
    errno = 0;
    auto const* const group = ::getgrnam(where.group.c_str());
    if (group == nullptr) {
      return fail(errc::invalid_argument, fmt::format("cannot give {} to the group '{}': there is no such group",
                                                      where.to_string(), where.group));
    }
    struct stat about{};
    bool const has_it = ::stat(where.unix_path.c_str(), &about) == 0 && about.st_gid == group->gr_gid;
    if (!has_it && ::chown(where.unix_path.c_str(), static_cast<uid_t>(-1), group->gr_gid) != 0) {
      return fail(
          errc::io,
          fmt::format("cannot give {} to the group '{}': {}; the user that hikyd runs as must be a member of it",
                      where.to_string(), where.group, std::strerror(errno)));
    }
  }
  if (where.mode && ::chmod(where.unix_path.c_str(), *where.mode) != 0) return refused("set the mode of", where, errno);
  return {};
}

}  // namespace

result<void> listener::check_free(listen_address const& where) {
  if (!where.unix_path.empty() || where.port == 0) return {};
  asio::ip::tcp::endpoint const endpoint{asio::ip::make_address(where.host), where.port};
  int const fd = ::socket(endpoint.data()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int const on = 1;
  if (fd >= 0) ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  auto const code = fd >= 0 && ::bind(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0 ? 0 : errno;
  if (fd >= 0) ::close(fd);
  if (code == 0) return {};
  return refused("listen on", where, code);
}

result<int> listener::open(listen_address& where, bool first) {
  auto const failed = [&](int fd, char const* step) {
    auto const code = errno;
    if (fd >= 0) ::close(fd);
    return refused(step, where, code);
  };
  sockaddr_storage to{};
  socklen_t size = 0;
  if (where.unix_path.empty()) {
    asio::ip::tcp::endpoint const endpoint{asio::ip::make_address(where.host), where.port};
    std::memcpy(&to, endpoint.data(), endpoint.size());
    size = static_cast<socklen_t>(endpoint.size());
  } else {
    auto& un = reinterpret_cast<sockaddr_un&>(to);
    un.sun_family = AF_UNIX;
    std::memcpy(un.sun_path, where.unix_path.data(), where.unix_path.size());
    size = sizeof un;
    if (is_abandoned(un)) ::unlink(un.sun_path);
  }
  if (first && where.unix_path.empty() && where.port != 0) {
    // SO_REUSEPORT lets any process of this user share the port. A bind without it tells whether another one has it
    // already.
    int const probe = ::socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int const on = 1;
    ::setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(probe, reinterpret_cast<sockaddr*>(&to), size) < 0) return failed(probe, "listen on");
    ::close(probe);
  }
  int const fd = ::socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed(fd, "open a socket for");
  int const on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (where.unix_path.empty()) {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    // Accepted sockets inherit the rest.
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &socket_buffer, sizeof socket_buffer);
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &socket_buffer, sizeof socket_buffer);
  }
  if (::bind(fd, reinterpret_cast<sockaddr*>(&to), size) < 0) return failed(fd, "listen on");
  // Before anybody can connect.
  if (auto const open_to = let_in(where); !open_to) {
    ::close(fd);
    return std::unexpected(open_to.error());
  }
  if (::listen(fd, backlog) < 0) return failed(fd, "listen on");
  if (where.unix_path.empty() && where.port == 0) {
    sockaddr_storage real{};
    socklen_t length = sizeof real;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&real), &length);
    where.port = ntohs(real.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(real).sin_port
                                                 : reinterpret_cast<sockaddr_in6&>(real).sin6_port);
  }
  return fd;
}

listener::listener(asio::io_context& io, int descriptor, std::function<void(stream_socket, peer_address)> accepted)
    : io_(io), descriptor_(io, descriptor), pause_(io), accepted_(std::move(accepted)) {}

void listener::start() {
  asio::post(io_, [this] { wait(); });
}

void listener::stop() {
  asio::post(io_, [this] {
    error_code ignored;
    descriptor_.close(ignored);
    pause_.cancel();
  });
}

void listener::wait() {
  descriptor_.async_wait(asio::posix::descriptor_base::wait_read, [this](error_code ec) {
    if (!ec) accept_all();
  });
}

void listener::accept_all() {
  for (int i = 0; i < accepts_per_turn; ++i) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    int const fd =
        ::accept4(descriptor_.native_handle(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      accepted_(stream_socket{io_, asio::generic::stream_protocol{from.ss_family, 0}, fd}, peer_address{from});
      continue;
    }
    if (errno == EAGAIN) break;
    if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
    // Out of descriptors or memory: those who wait stay in the backlog until there is room again.
    tell_failed(errno);
    pause_.expires_after(pause_when_full);
    pause_.async_wait([this](error_code ec) {
      if (!ec) accept_all();
    });
    return;
  }
  wait();
}

}  // namespace hiky::gateway
