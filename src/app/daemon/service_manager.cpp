// SPDX-License-Identifier: Apache-2.0
#include "app/daemon/service_manager.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

namespace hiky::app::service_manager {

void notify(std::string_view state) {
  char const* const path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || (*path != '/' && *path != '@')) return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  auto const length = std::strlen(path);
  if (length >= sizeof to.sun_path) return;
  std::memcpy(to.sun_path, path, length);
  if (*path == '@') to.sun_path[0] = '\0';  // the abstract namespace
  int const fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr const*>(&to),
           static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length));
  ::close(fd);
}

void reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000LL + now.tv_nsec / 1000));
}

std::optional<std::chrono::microseconds> watchdog_interval() {
  auto const number = [](char const* name) -> std::optional<long long> {
    char const* const text = std::getenv(name);
    if (text == nullptr) return std::nullopt;
    long long out = 0;
    auto const* const end = text + std::strlen(text);
    if (std::from_chars(text, end, out).ptr != end || out <= 0) return std::nullopt;
    return out;
  };
  auto const pid = number("WATCHDOG_PID");
  auto const interval = number("WATCHDOG_USEC");
  if (!interval || (pid && *pid != ::getpid())) return std::nullopt;
  return std::chrono::microseconds{*interval / 2};
}

bool journal_reads() {
  char const* const named = std::getenv("JOURNAL_STREAM");
  struct stat ours{};
  return named != nullptr && ::fstat(STDERR_FILENO, &ours) == 0 &&
         named == fmt::format("{}:{}", ours.st_dev, ours.st_ino);
}

}  // namespace hiky::app::service_manager
