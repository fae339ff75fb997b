// SPDX-License-Identifier: Apache-2.0
#include "endpoint.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace hiky::load {
namespace {
constexpr std::size_t connections_per_source = 20'000;
constexpr std::uint32_t loopback_net = 127U << 24;
}  // namespace

std::optional<endpoint> parse_url(std::string_view url) {
  constexpr std::string_view scheme = "ws://";
  if (!url.starts_with(scheme)) return std::nullopt;
  url.remove_prefix(scheme.size());
  std::size_t const slash = std::min(url.find('/'), url.size());
  endpoint to;
  to.authority = url.substr(0, slash);
  to.path = slash < url.size() ? url.substr(slash) : "/";
  std::size_t const colon = to.authority.find(':');
  if (colon == std::string::npos) return std::nullopt;
  std::uint16_t port = 0;
  char const* const end = to.authority.data() + to.authority.size();
  auto const [rest, fault] = std::from_chars(to.authority.data() + colon + 1, end, port);
  if (fault != std::errc{} || rest != end || port == 0) return std::nullopt;
  to.address.sin_family = AF_INET;
  to.address.sin_port = htons(port);
  if (inet_pton(AF_INET, to.authority.substr(0, colon).c_str(), &to.address.sin_addr) != 1) return std::nullopt;
  if ((ntohl(to.address.sin_addr.s_addr) & 0xFF000000U) != loopback_net) return std::nullopt;
  return to;
}

int begin_connect(endpoint const& to, std::size_t ordinal) {
  int const fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int const on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (std::size_t const source = ordinal / connections_per_source; source > 0) {
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(loopback_net + 1 + static_cast<std::uint32_t>(source));
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, reinterpret_cast<sockaddr const*>(&from), sizeof from) != 0) {
      close(fd);
      return -1;
    }
  }
  if (connect(fd, reinterpret_cast<sockaddr const*>(&to.address), sizeof to.address) != 0 && errno != EINPROGRESS) {
    int const fault = errno;
    close(fd);
    errno = fault;
    return -1;
  }
  return fd;
}

int listen_on_loopback(sockaddr_in& where) {
  int const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  where = {};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof where;
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr const*>(&where), size) != 0 || listen(fd, 4096) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&where), &size) != 0) {
    if (fd >= 0) close(fd);
    return -1;
  }
  return fd;
}

std::size_t raise_file_limit(std::size_t wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return limit.rlim_cur;
  rlimit higher{wanted, std::max<rlim_t>(wanted, limit.rlim_max)};
  if (setrlimit(RLIMIT_NOFILE, &higher) != 0) {
    // Only a privileged process may go beyond the hard limit.
    higher = {std::min<rlim_t>(wanted, limit.rlim_max), limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &higher);
  }
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace hiky::load
