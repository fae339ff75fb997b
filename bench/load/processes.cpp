// SPDX-License-Identifier: Apache-2.0
#include "processes.hpp"

#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace hiky::load {
namespace {

std::string name_of(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/comm", process));
  std::string name;
  std::getline(file, name);
  return name;
}

std::multimap<pid_t, pid_t> children_by_parent() {
  std::multimap<pid_t, pid_t> found;
  for (auto const& entry : std::filesystem::directory_iterator("/proc")) {
    std::string const name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "stat");
    std::string line;
    std::getline(file, line);
    // The name in brackets may itself hold brackets and blanks: fields are counted from the last closing one.
    std::size_t const end = line.rfind(')');
    if (end == std::string::npos || line.size() < end + 5) continue;
    found.emplace(static_cast<pid_t>(std::stol(line.substr(end + 4))), static_cast<pid_t>(std::stol(name)));
  }
  return found;
}

std::int64_t resident_bytes(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/smaps_rollup", process));
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("Rss:")) return std::stoll(line.substr(4)) * 1024;
  return 0;
}

template <class Read>
std::int64_t sum(std::vector<pid_t> const& all, Read read) {
  return std::accumulate(all.begin(), all.end(), std::int64_t{0},
                         [&](std::int64_t so_far, pid_t one) { return so_far + read(one); });
}

}  // namespace

std::int64_t cpu_ns(pid_t process) {
  clockid_t clock{};
  timespec used{};
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &used) != 0) return 0;
  return used.tv_sec * 1'000'000'000LL + used.tv_nsec;
}

processes::processes(std::vector<pid_t> gateways, pid_t redis) : gateway_(std::move(gateways)) {
  if (gateway_.empty()) return;
  if (redis != 0) redis_ = {redis};
  auto const children = children_by_parent();
  for (std::size_t i = 0; i < gateway_.size(); ++i) {
    auto const [first, last] = children.equal_range(gateway_[i]);
    for (auto child = first; child != last; ++child) {
      std::string const name = name_of(child->second);
      bool const stores = name == "redis-server" || name == "valkey-server";
      if (!stores) gateway_.push_back(child->second);
      if (stores && redis == 0) redis_.push_back(child->second);
    }
  }
}

cpu_sample processes::cpu() const { return {sum(gateway_, cpu_ns), sum(redis_, cpu_ns), cpu_ns(0)}; }
std::int64_t processes::gateway_resident_bytes() const { return sum(gateway_, resident_bytes); }
std::int64_t processes::redis_resident_bytes() const { return sum(redis_, resident_bytes); }

}  // namespace hiky::load
