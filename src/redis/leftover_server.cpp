// SPDX-License-Identifier: Apache-2.0
#include "redis/leftover_server.hpp"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <string>

namespace hiky::redis {
namespace {

namespace fs = std::filesystem;

bool is_redis(fs::path const& process) {
  std::string name;
  std::getline(std::ifstream{process / "comm"}, name);
  return name == "redis-server";
}

// False also where we may not look: then the process is not ours.
bool has_open(fs::path const& process, struct stat const& file) {
  std::error_code no;
  for (auto at = fs::directory_iterator{process / "fd", no}; !no && at != fs::directory_iterator{}; at.increment(no)) {
    struct stat open{};
    if (::stat(at->path().c_str(), &open) == 0 && open.st_dev == file.st_dev && open.st_ino == file.st_ino) return true;
  }
  return false;
}

}  // namespace

int signal_leftovers(fs::path const& lock, int signal) {
  struct stat file{};
  if (::stat(lock.c_str(), &file) != 0) return 0;
  int taken = 0;
  std::error_code no;
  for (auto at = fs::directory_iterator{"/proc", no}; !no && at != fs::directory_iterator{}; at.increment(no)) {
    auto const name = at->path().filename().string();
    if (!std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c); })) continue;
    if (!is_redis(at->path())) continue;
    // Held from before the look: the number may be another process's a moment later.
    int const process = static_cast<int>(::syscall(SYS_pidfd_open, std::stoi(name), 0));
    if (process < 0) continue;
    bool const ours = is_redis(at->path()) && has_open(at->path(), file);
    if (ours && ::syscall(SYS_pidfd_send_signal, process, signal, nullptr, 0) == 0) ++taken;
    ::close(process);
  }
  return taken;
}

}  // namespace hiky::redis
