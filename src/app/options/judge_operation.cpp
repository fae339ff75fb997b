// SPDX-License-Identifier: Apache-2.0
// How much it takes on, and how it runs on this machine.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <random>
#include <thread>

#include "app/options/judge.hpp"
#include "app/options/machine.hpp"
#include "app/options/option.hpp"

namespace hiky::app {
namespace {

struct two_numbers {
  float per_second, burst;
};
std::optional<two_numbers> parse_rate(std::string const& text) {
  two_numbers out{};
  char rest = 0;
  auto const got = std::sscanf(text.c_str(), "%f:%f%c", &out.per_second, &out.burst, &rest);
  if (got == 1 && text.find(':') == std::string::npos) out.burst = out.per_second * 3;
  else if (got != 2) return std::nullopt;
  if (!(out.per_second >= 0) || !(out.burst >= out.per_second || out.per_second == 0)) return std::nullopt;
  return out;
}

std::string host_and_random() {
  char host[65] = "hiky";
  ::gethostname(host, sizeof host - 1);
  return fmt::format("{}-{:08x}", host, std::random_device{}());
}

}  // namespace

fault judge_limits(draft& d) {
  for (auto const& each : daemon_options()) {
    auto const* const as = std::get_if<rate>(&each.takes);
    if (as == nullptr) continue;
    auto const& said = d.limits.rates.at(each.name);
    auto const parsed = parse_rate(said);
    if (!parsed)
      return fmt::format(
          "--{}: '{}' is not a rate; expected PER_SECOND or PER_SECOND:BURST with a burst not below the rate",
          each.name, said);
    as->set(d, parsed->per_second, parsed->burst);
  }
  auto& admission = d.config.gateway.admission;
  admission.spare_loopback = !d.limits.of_addresses_said;
  admission.memory = d.limits.memory_mib ? *d.limits.memory_mib << 20 : machine_memory() / 3 * 2;
  auto& leases = d.config.gateway.leases;
  leases.tick = std::min(leases.tick, leases.lease / 4);
  return std::nullopt;
}

fault judge_instance(draft& d) {
  auto& g = d.config.gateway;
  if (d.instance.empty()) d.instance = host_and_random();
  if (auto const wrong = id_fault(d.instance)) return fmt::format("--instance-id: '{}' {}", d.instance, *wrong);
  g.instance = instance_id{d.instance};
  // The embedded Redis has a thread of its own to run. Workers that share its core wake each other more often than they
  // help.
  auto const cores = std::max(1U, std::thread::hardware_concurrency());
  if (g.workers == 0) g.workers = std::min(64U, d.config.embedded ? std::max(1U, cores - 1) : cores);
  auto const ring = gateway::io_uring_allowed();
  if (d.network.batch_send == "io_uring" && !ring)
    return "--batch-send: this kernel does not allow io_uring here (sysctl kernel.io_uring_disabled, or a container's "
           "seccomp filter); use auto or send";
  g.method = d.network.batch_send != "send" && ring ? gateway::send_method::io_uring : gateway::send_method::send;
  return std::nullopt;
}

}  // namespace hiky::app
