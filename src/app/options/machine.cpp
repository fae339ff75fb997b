// SPDX-License-Identifier: Apache-2.0
#include "app/options/machine.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/log.hpp"

namespace hiky::app {

namespace {
constexpr std::size_t few = 1000;
// The connections over the limit that ask for /health, and those that are being turned away.
constexpr std::size_t spare = 128;
}  // namespace

std::size_t descriptors_besides(std::size_t workers, std::size_t addresses) {
  // Of each worker: epoll, timer, wake-up, ring, and two connections to Redis that may be made anew while the old ones
  // are closed.
  return 64 + spare + workers * (16 + addresses);
}

result<std::size_t> room_for_connections(std::size_t wanted, std::size_t besides, std::size_t each) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  auto const files = static_cast<std::size_t>(limit.rlim_cur);
  auto const fit = files > besides ? (files - besides) / each : 0;
  auto const advice = "raise it with `ulimit -Hn`, LimitNOFILE= of systemd, or --ulimit nofile= of a container";
  if (wanted > fit) {
    return fail(errc::invalid_argument, fmt::format("--limit-connections: {} connections need {} open files, but the "
                                                    "limit is {}, which is enough for {}; {}, or ask for fewer",
                                                    wanted, wanted * each + besides, files, fit, advice));
  }
  if (fit == 0)
    return fail(errc::invalid_argument,
                fmt::format("{} open files are not enough to accept anybody; {}", files, advice));
  if (wanted == 0 && fit < few)
    log::warn("descriptors.few", {{"open_files", files}, {"connections", fit}, {"advice", advice}});
  return wanted > 0 ? wanted : fit;
}

std::uint64_t machine_memory() {
  auto const pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
  auto out = pages > 0 && size > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size) : 0;
  for (auto const* file : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    // `max` is no number, and leaves what is known as it is.
    if (std::uint64_t allowed = 0; std::ifstream{file} >> allowed && allowed > 0) out = std::min(out, allowed);
  }
  return out;
}

}  // namespace hiky::app
